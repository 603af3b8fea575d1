"""Files and folders are replaced whole or not at all, and only where there is one to replace."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdsl_files import present, write_folder, write_whole
from tests.killed import Killed, killed_at

OLD, NEW = {"a": b"old a" * 99, "b": b"old b"}, {"a": b"new a", "c": b"new c" * 99}


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def content(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def killed_everywhere(work: Callable[[], None], check: Callable[[], None]) -> int:
    """Kill some work at each of its calls, and check what is left after each."""
    moment = 0
    while True:
        try:
            with killed_at(moment):
                work()
        except Killed:
            check()
            moment += 1
            continue
        return moment


def test_a_file_is_old_or_new_wherever_its_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    seen = set()

    def check() -> None:
        seen.add(path.read_bytes())
        write_whole(path, b"old")
        assert names(tmp_path) == ["file"], "what a killed writer left is removed by the next"

    assert killed_everywhere(lambda: write_whole(path, b"new"), check) >= 5
    assert seen == {b"old", b"new"}
    assert path.read_bytes() == b"new"


def test_a_folder_is_old_or_new_wherever_its_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "last"
    write_folder(path, OLD)
    seen = []

    def check() -> None:
        found = content(present(path))
        assert found in (OLD, NEW)
        seen.append(found == NEW)
        write_folder(path, OLD)
        assert names(tmp_path) == ["last"]

    assert killed_everywhere(lambda: write_folder(path, NEW), check) >= 10
    assert seen == sorted(seen)
    assert len(set(seen)) == 2
    assert content(path) == NEW


def test_a_folder_killed_twice_is_found_still(tmp_path: Path) -> None:
    path = tmp_path / "last"
    for first in range(9, 19):
        for second in range(0, 19, 4):
            write_folder(path, OLD)
            for moment in (first, second):
                try:
                    with killed_at(moment):
                        write_folder(path, NEW)
                except Killed:
                    assert content(present(path)) in (OLD, NEW)


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from graphdsl_files import whole\n"
        "with whole._unfinished_file(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        write_whole(tmp_path / "file", b"")
        assert len(names(tmp_path)) == 2
        other.kill()
        other.wait()
        write_whole(tmp_path / "file", b"")
        assert names(tmp_path) == ["file"]


def test_links_are_followed_and_stay(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    link, target = tmp_path / "here" / "link", tmp_path / "there" / "file"
    link.symlink_to("../there/file")
    for text in (b"one", b"two"):
        write_whole(link, text)
        assert link.is_symlink()
        assert target.read_bytes() == text
        assert names(tmp_path / "here") == ["link"]


def test_a_link_that_somebody_planted_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (".file.part", f".file.{os.getpid()}.unfinished"):
        (folder / name).symlink_to(precious)
    write_whole(folder / "file", b"new")
    assert precious.read_bytes() == b"precious"


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o644])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_permissions_that_others_have(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", b"")
    (tmp_path / "theirs").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"new" * 100_000)
    reader.join()
    assert read == [b"new" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such devices")
def test_a_device_is_written_through_and_says_what_it_refuses() -> None:
    write_whole(Path("/dev/null"), b"new")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_whole(Path("/dev/full"), b"new")
    for device in ("/dev/null", "/dev/full"):
        assert stat.S_ISCHR(Path(device).stat().st_mode)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no such names")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_is_written_through_even_if_it_is_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = (
        "import sys; from pathlib import Path; from graphdsl_files import write_whole\n"
        "print('before', flush=True)\n"
        "write_whole(Path(sys.argv[1]), b'new\\n')\n"
        "print('after')"
    )
    words = [sys.executable, "-c", code, name]
    with (tmp_path / "file").open("wb") as file:
        number = os.fstat(file.fileno()).st_ino
        subprocess.run(words, stdout=file, check=True, cwd=tmp_path)
    assert (tmp_path / "file").read_text() == "before\nnew\nafter\n"
    assert (tmp_path / "file").stat().st_ino == number


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("folder", errno.EISDIR),
        ("file/below", errno.ENOTDIR),
        ("loop", errno.ELOOP),
        ("x" * 300, errno.ENAMETOOLONG),
    ],
)
def test_what_cannot_be_a_file_is_refused(tmp_path: Path, place: str, number: int) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "loop").symlink_to("loop")
    before = names(tmp_path)
    with pytest.raises(OSError) as refused:  # noqa: PT011  # the number says which
        write_whole(tmp_path / place, b"new")
    assert refused.value.errno == number
    assert names(tmp_path) == before
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["x" * 255, "ж" * 127])
def test_the_longest_names_are_written(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, b"new")
    assert (tmp_path / name).read_bytes() == b"new"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")
    write_folder(tmp_path / "last", OLD)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_whole(tmp_path / "file", b"new")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_folder(tmp_path / "last", NEW)
    assert names(tmp_path) == ["file", "last"]
    assert (tmp_path / "file").read_bytes() == b"old"
    assert content(tmp_path / "last") == OLD
