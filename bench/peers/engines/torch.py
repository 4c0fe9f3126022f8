"""PyTorch; the variants are channels-last tensors ("nhwc") and torch.compile ("compile")."""
import torch
import torchvision
from torch import nn

RATE = 0.01


def network(task):
    classes = task["classes"]
    pixels = task["shape"][0] * task["shape"][1] * task["shape"][2]
    made = {
        "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(pixels, classes)),
        "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, classes)),
        "cnn": lambda: nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, classes)),
        "resnet18": lambda: torchvision.models.resnet18(num_classes=classes),
        "mobilenetv2": lambda: torchvision.models.mobilenet_v2(num_classes=classes, dropout=0),
    }[task["network"]]()
    return made.to(memory_format=order(task))


def order(task):
    return torch.channels_last if task["variant"] == "nhwc" else torch.contiguous_format


def inference(task, images):
    torch.set_num_threads(task["threads"])
    model = network(task).eval()
    x = torch.from_numpy(images).contiguous(memory_format=order(task))
    forward = torch.compile(model) if task["variant"] == "compile" else model

    def run():
        with torch.inference_mode():
            return forward(x)

    return run, None  # its weights are its own


def training(task, images, labels):
    torch.set_num_threads(task["threads"])
    model = network(task).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    images = torch.from_numpy(images).contiguous(memory_format=order(task))
    labels = torch.from_numpy(labels)
    criterion = nn.CrossEntropyLoss()

    def loss(x, y):
        return criterion(model(x), y)

    forward = torch.compile(loss) if task["variant"] == "compile" else loss

    def step(rows):
        rows = torch.from_numpy(rows)
        optimizer.zero_grad(set_to_none=True)
        forward(images[rows], labels[rows]).backward()
        optimizer.step()

    return step, lambda: None
