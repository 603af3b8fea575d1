"""Odd files, names and moments: each ends with its code and one line, and spoils nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from graphdsl.cli import main
from graphdsl.diagnostics.span import LARGEST
from tests.command_line import run
from tests.conftest import ROOT

WYNER = (ROOT / "specs" / "wyner.mib").read_bytes()
LONG = "x" * 300


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1 and len(text) < 1200


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("folder", 2, "folder cannot be read: is a directory"),
        ("folder.mib", 2, "folder.mib cannot be read: no such file or directory"),
        (f"{LONG}.mib", 2, "... cannot be read: file name too long"),
        (LONG, 2, "no spec `xxxx"),
        (f"folder/{LONG}", 2, "... cannot be read: file name too long"),
        ("wyner.mib/below.mib", 2, "wyner.mib/below.mib cannot be read: not a directory"),
        ("loop.mib", 2, "loop.mib cannot be read: too many levels of symbolic links"),
        ("bytes.mib", 1, "bytes.mib is no text in UTF-8: see byte 9"),
        ("wide.mib", 1, "wide.mib is no text in UTF-8: see byte 1"),
        ("large.mib", 1, "large.mib is no spec: it holds more than 4 MiB"),
        ("/dev/zero", 1, "/dev/zero is no spec: it holds more than 4 MiB"),
    ],
)
@pytest.mark.parametrize("command", ["check", "compile", "audit", "fmt"])
def test_what_is_no_spec_is_refused(command: str, name: str, code: int, said: str) -> None:
    Path("folder").mkdir()
    Path("wyner.mib").write_bytes(WYNER)
    Path("loop.mib").symlink_to("loop.mib")
    Path("bytes.mib").write_bytes(b"model \xc3\xa9\xe9")
    Path("wide.mib").write_bytes(WYNER.decode().encode("utf-16"))
    Path("large.mib").write_bytes(b" " * (LARGEST + 1))
    if name.startswith("/dev") and not Path(name).exists():
        pytest.skip("no such device")
    before = sorted(Path.cwd().iterdir())
    ended = run(command, name)
    assert ended.code == code, ended.err
    assert one_line(ended.err)
    assert said in ended.err
    assert sorted(Path.cwd().iterdir()) == before


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + WYNER,
        WYNER.replace(b"\n", b"\r\n"),
        WYNER.replace(b"\n", b"\r"),
        WYNER.rstrip(b"\n"),
        WYNER + b" " * (LARGEST - len(WYNER)),
    ],
    ids=["mark", "crlf", "cr", "no newline", "largest"],
)
def test_what_editors_make_of_a_spec_is_read(content: bytes) -> None:
    Path("wyner.mib").write_bytes(content)
    assert run("check", "wyner.mib") == run("check", "wyner")


@pytest.mark.parametrize("content", [b"\0", b"model a\0", WYNER.replace(b"->", b"-\0>")])
def test_a_zero_byte_is_a_mistake_like_others(content: bytes) -> None:
    Path("zero.mib").write_bytes(content)
    ended = run("check", "zero.mib")
    assert ended.code == 1
    assert "MIB" in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_an_endless_pipe_is_not_read_to_its_end() -> None:
    os.mkfifo("pipe.mib")

    def endless() -> None:
        try:
            with Path("pipe.mib").open("wb") as pipe:
                while True:
                    pipe.write(b"# and so on\n" * 1000)
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=endless)
    writer.start()
    ended = run("check", "pipe.mib")
    writer.join(timeout=60)
    assert not writer.is_alive()
    assert ended.code == 1
    assert "4 MiB" in ended.err


def test_standard_input_is_a_spec() -> None:
    words = [sys.executable, "-m", "graphdsl", "compile", "-", "-o", "-"]
    done = subprocess.run(words, input=WYNER, capture_output=True, check=True)
    assert done.stdout.decode() == run("compile", "wyner", "-o", "-").out


@pytest.mark.parametrize("option", ["--const", "--param"])
def test_a_value_given_twice_is_wrong_usage(option: str) -> None:
    name = "pixels" if option == "--const" else "cross"
    ended = run("compile", "wyner", option, f"{name}=3", option, f" {name} = 4", "-o", "out.py")
    assert ended.code == 2
    assert ended.err == f"graphdsl: {option} gives `{name}` twice; leave one out\n"
    assert not Path("out.py").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["compile", "wyner"],
        ["audit", "wyner"],
        ["fmt", "wyner"],
        ["new", "mine", "--force"],
    ],
)
@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("folder", "is a directory"),
        ("file/below", "not a directory"),
        ("loop", "too many levels of symbolic links"),
        (LONG, "file name too long"),
        ("/dev/full", "no space left on device"),
        ("sealed", "permission denied"),
        ("sealed-folder/out", "permission denied"),
    ],
)
def test_what_cannot_be_written_is_said(words: list[str], out: str, said: str) -> None:
    Path("folder").mkdir()
    Path("file").write_bytes(b"precious")
    Path("loop").symlink_to("loop")
    Path("sealed").write_bytes(b"precious")
    Path("sealed").chmod(0o400)
    Path("sealed-folder").mkdir(mode=0o500)
    if "sealed" in out and os.access("sealed", os.W_OK):
        pytest.skip("root may write everything")
    if out.startswith("/dev") and not Path(out).exists():
        pytest.skip("no such device")
    before = sorted(Path.cwd().rglob("*"))
    ended = run(*words, "-o", out)
    assert ended.code == 1
    assert one_line(ended.err)
    assert "cannot be written" in ended.err
    assert said in ended.err
    assert Path("file").read_bytes() == Path("sealed").read_bytes() == b"precious"
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.parametrize("words", [["compile", "wyner"], ["audit", "vae"], ["fmt", "vae"]])
def test_a_device_stays_a_device(words: list[str]) -> None:
    assert run(*words, "-o", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def child(*words: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "graphdsl", *words],
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with child("audit", "vae", stdout=writer) as done:
        os.close(writer)
        assert done.stderr is not None
        assert done.stderr.read() == ""
    assert done.returncode == 0


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_stream_that_is_closed_is_no_bug(descriptor: int) -> None:
    script = f'exec {descriptor}>&-; exec "$0" -m graphdsl audit vae -o audit.txt'
    done = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout + done.stderr == b""
    assert Path("audit.txt").read_text().startswith("vae")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
@pytest.mark.parametrize("words", [["audit", "vae"], ["specs"], ["--help"]])
def test_results_that_a_full_disk_refuses_are_missed(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full, child(*words, stdout=full) as done:
        assert done.stderr is not None
        said = done.stderr.read()
    assert done.returncode == 1
    assert one_line(said)
    assert "no space left on device" in said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_ends_with_its_code(number: signal.Signals, code: int) -> None:
    os.mkfifo("pipe.mib")
    with child("check", "pipe.mib", stdout=subprocess.PIPE) as done:
        with Path("pipe.mib").open("wb"):  # opened once it is read
            done.send_signal(number)
            assert done.stderr is not None
            said = done.stderr.read()
    assert done.returncode == code
    assert one_line(said)
    assert "stopped" in said


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (KeyError("w[2]"), 70),
        (RecursionError("maximum recursion depth exceeded"), 70),
        (AssertionError(), 70),
        (NotImplementedError(), 70),
        (UnicodeEncodeError("ascii", "é", 0, 1, "no"), 70),
        (BlockingIOError(), 70),
        (MemoryError(), 1),
        (PermissionError(13, "Permission denied", "some/where"), 1),
        (OSError(28, "No space left on device"), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_is_raised_has_its_code_and_no_traceback(
    problem: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*anything: object, **more: object) -> None:
        raise problem.with_traceback(None)

    monkeypatch.setattr("graphdsl.compiler.derive", broken)
    for command in ("check", "audit", "compile"):
        ended = run(command, "wyner", *(("--emit", "loss") if command == "compile" else ()))
        assert ended.code == code
        assert "Traceback" not in ended.err
        if code == 70:
            first, *lines = ended.err.splitlines()
            assert first.startswith(f"graphdsl: a bug of ours: {type(problem).__name__}: ")
            assert any(f"graphdsl {command} wyner" in line for line in lines)
            assert any(f"graphdsl/cli/commands/{command}.py:" in line for line in lines)
            assert str(ROOT) not in ended.err
            assert len(lines) < 10
        else:
            assert one_line(ended.err)


def test_the_program_ends_with_that_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["graphdsl", "explain", "none"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
