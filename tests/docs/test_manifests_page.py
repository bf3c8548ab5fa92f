"""The worked example of docs/manifests.md is a project, and what the page says of it is so."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "manifests.md"
PIPELINE = "project: shop\nimages: {api: registry.example.com/shop/api}\nenvironments: {test1: {layers: [base]}}\n"
FILE = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^```text\n\$ release (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_example_is_as_the_page_says(tmp_path: Path) -> None:
    files = {
        "envs/pipeline.yaml": PIPELINE,
        **{name: f"# {name}\n{text}" for name, text in FILE.findall(PAGE.read_text())},
    }
    assert set(files) == {"envs/pipeline.yaml", "envs/base.yaml", "envs/test1.yaml", "k8s/api.yaml"}
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    ((words, said),) = SAID.findall(PAGE.read_text())
    program = Path(sys.executable).parent / "release"
    command = f"{program} -C {tmp_path} {words}"
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)
