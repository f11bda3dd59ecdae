"""Programs to measure: ours, and the peers. Built or installed when first asked for."""
import json
import os
import subprocess
import sys
from pathlib import Path

from measure import Wrong

HERE = Path(__file__).resolve().parent


def clean_environment():
    """Without what cargo told the program that called us about itself; see xtask/src/cargo.rs."""
    told = ("CARGO_PKG_", "CARGO_MANIFEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


def cargo(root, *args):
    """Builds one program and says where it lies."""
    command = ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics", *map(str, args)]
    done = subprocess.run(command, cwd=root, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Wrong(f"{' '.join(command)} failed")
    built = [json.loads(line).get("executable") for line in done.stdout.splitlines()]
    return Path([path for path in built if path][-1])


def watchkeeper(root):
    return cargo(root, "--package", "watchkeeper")


def rsigma(work):
    return cargo(HERE / "rsigma", "--target-dir", work / "rsigma-target")


def wanted():
    """Name and version of every peer in Python."""
    lines = (HERE / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def python_with_peers(work):
    """A Python that has DuckDB and chDB in the versions that are written down, or none."""
    return python_with(work / "venv", wanted())


def python_with(folder, packages):
    """A Python with these packages, or none where they cannot be had."""
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if installed(python, packages) != packages:
        command = [python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
                   *[f"{name}=={version}" for name, version in packages.items()]]
        if subprocess.run(command, stdout=sys.stderr).returncode != 0:
            print(f"{' and '.join(packages)} cannot be installed here; left out", file=sys.stderr)
            return None
    return python


def installed(python, packages=None):
    program = ("import importlib.metadata as m, json, sys\n"
               "here = {d.metadata['Name'].lower(): d.version for d in m.distributions()}\n"
               "print(json.dumps({n: here.get(n) for n in sys.argv[1:]}))")
    return json.loads(subprocess.check_output([python, "-c", program, *(packages or wanted())]))
