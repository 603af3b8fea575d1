"""Jobs on a cluster, by Ray: the one module that imports it.

Every node needs this version of graphdsl, and the sweep's folder and the data at the same paths.
Ray gives each job its cores and its GPUs; the job is a process of its own there, as it is here.
"""

from __future__ import annotations

__all__ = ["RayCluster", "cluster_at"]

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphdsl.sweeps.jobs import Done, Job
from graphdsl.sweeps.mistakes import refused
from graphdsl.sweeps.processes import environment_of, started, stop

_PAUSE = 0.1  # seconds between two looks at whether a job has ended
_EXTRA = 'pip install "graphdsl[scale]"'


@dataclass(frozen=True, slots=True, kw_only=True)
class RayCluster:
    """A cluster that was there, or two or more workers that Ray starts on this machine."""

    jobs: int  #: at most so many at a time
    threads: int  #: cores that each takes
    gpus: float = 0.0  #: GPUs that each takes
    address: str = ""  #: of a cluster; without one, Ray starts its workers here

    def carry_out(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """Carry out all jobs, and give each when it has ended.

        A job whose node is lost is started again elsewhere, where its run goes on.
        """
        ray = self._connected()
        remote = ray.remote(num_cpus=self.threads, num_gpus=self.gpus, max_retries=3)(_carried_out)
        waiting = list(reversed(jobs))
        running: dict[Any, tuple[Job, float]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.jobs:
                    job = waiting.pop()
                    running[remote.remote(job, os.getcwd(), self.threads)] = job, time.monotonic()  # noqa: PTH109  # what a process takes
                for reference in ray.wait(list(running), num_returns=1)[0]:
                    job, began = running.pop(reference)
                    code = ray.get(reference)
                    yield Done(job=job, code=code, seconds=time.monotonic() - began)
        finally:
            for reference in running:
                ray.cancel(reference)
            if running:
                ray.wait(list(running), num_returns=len(running), timeout=60)
            ray.shutdown()

    def _connected(self) -> Any:  # noqa: ANN401  # the module, which may lack
        """Start Ray, or find the cluster.  Raises `SweepRefused`."""
        ray = _imported()
        local = {} if self.address else {"num_cpus": self.jobs * self.threads}
        try:
            ray.init(
                address=self.address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=None if self.address else False,
                **local,
            )
        except (ConnectionError, ValueError, RuntimeError) as problem:
            where = f"--on ray:{self.address}" if self.address else "--on ray"
            reason = " ".join(str(problem).split())[:200]
            raise refused("SWEEP10", where, f"Ray does not start: {reason}") from None
        return ray


def cluster_at(place: str, *, jobs: int, threads: int, gpus: float) -> RayCluster:
    """Make the workers that `--on` names.  Raises `SweepRefused` if Ray is not installed."""
    _imported()
    return RayCluster(jobs=jobs, threads=threads, gpus=gpus, address=place)


def _imported() -> Any:  # noqa: ANN401  # the module, which may lack
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # what we start reports to nobody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise refused("SWEEP10", "--on ray", "needs Ray, which is not installed", _EXTRA) from None
    return ray


def _carried_out(job: Job, folder: str, threads: int) -> int:
    """Carry out a job on a node: in a process of its own, which ends if this one does."""
    os.chdir(folder)
    process = started(job, environment_of(threads))
    try:
        while process.poll() is None:
            time.sleep(_PAUSE)  # a wait in the system would not hear that Ray cancels the job
        return process.returncode
    finally:
        stop(process)
        process.wait()
