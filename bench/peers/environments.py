"""The virtual environments that the peers live in, and which packages they have."""
import subprocess
import sys
import venv

TORCH = ("torch", ["torch", "torchvision"], "torch")
# engine: (environment, packages, the one whose version is told)
ENGINES = {
    "onnxruntime": ("peers", ["onnxruntime", "onnx", "sympy"], "onnxruntime"),
    "openvino": ("peers", ["openvino"], "openvino"),
    "mnn": ("peers", ["MNN", "numpy"], "MNN"),
    "jax": ("peers", ["jax"], "jax"),
    "torch": TORCH,
    "torch-nhwc": TORCH,
    "torch-compile": TORCH,
    "keras": ("keras", ["tensorflow-cpu"], "keras"),
}
NAMES = {"hone": "hone", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "mnn": "MNN", "jax": "JAX",
         "torch": "PyTorch", "torch-nhwc": "PyTorch NHWC", "torch-compile": "PyTorch compiled", "keras": "Keras"}


class Environments:
    def __init__(self, work, names):
        self.work = work
        self.engines = {name: ENGINES[name] for name in names}
        self.problems = {}  # engine: why it is not there
        for engine, (environment, packages, _) in self.engines.items():
            try:
                self.install(environment, packages)
            except (subprocess.CalledProcessError, OSError) as problem:
                self.problems[engine] = f"not installed: {last_line(getattr(problem, 'stderr', '') or str(problem))}"

    def python(self, engine):
        return self.work / f"venv-{ENGINES[engine][0]}/bin/python"

    def tool(self, engine):
        """The interpreter of one that is not measured but has something to do."""
        self.install(*ENGINES[engine][:2])
        return self.python(engine)

    def install(self, environment, packages):
        folder = self.work / f"venv-{environment}"
        if not (folder / "bin/pip").exists():
            venv.create(folder, with_pip=True)
        pip = [folder / "bin/pip", "--disable-pip-version-check", "--quiet"]
        if any(subprocess.run([*pip, "show", package], capture_output=True).returncode for package in packages):
            print(f"installing {' '.join(packages)} into {folder}", file=sys.stderr)
            subprocess.run([*pip, "install", *packages], check=True, capture_output=True, text=True)

    def versions(self):
        """'ONNX Runtime 1.32.0' of each engine that is there, once a package."""
        out = []
        for engine, (_, _, package) in self.engines.items():
            if engine in self.problems:
                continue
            found = subprocess.run([self.python(engine), "-c", "import importlib.metadata as m, sys; "
                                    "print(m.version(sys.argv[1]))", package], capture_output=True, text=True)
            text = f"{NAMES[engine.split('-')[0]]} {found.stdout.strip()}"
            if text not in out:
                out.append(text)
        return out


def chosen(args):
    """The names of the engines that the command line asks for."""
    if args.only:
        for name in args.only.split(","):
            if name not in ENGINES:
                sys.exit(f"peers: no peer '{name}': expected some of {','.join(ENGINES)}")
        return args.only.split(",")
    return [name for name, (environment, _, _) in ENGINES.items()
            if environment == "peers" or getattr(args, environment)]


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
