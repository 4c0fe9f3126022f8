// Data sets that are folders of pictures: one folder a class, named after it.
#pragma once

#include <hone/data.h>

#include <filesystem>

namespace hone::data {

/// True for a folder that holds folders, as all of these do.
bool is_image_folder(const std::filesystem::path& folder);

/// What `data::load` and `data::load_test` say of folders of pictures.
Splits read_image_splits(const std::filesystem::path& folder, const std::string& name,
                         const LoadOptions& options);
Dataset read_image_test(const std::filesystem::path& folder, const std::string& name,
                        const LoadOptions& options);

}  // namespace hone::data
