// Everything: the one header that a program includes.
#pragma once

#include <hone/data.h>
#include <hone/error.h>
#include <hone/model.h>
#include <hone/nn.h>
#include <hone/session.h>
#include <hone/tensor.h>
#include <hone/train.h>
