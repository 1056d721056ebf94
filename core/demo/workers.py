"""Data-parallel training in processes of one thread each.

Apart because it is about this machine, not about the models: where other programs share the cores,
two threads that meet after every operation wait for each other far longer than two processes that
meet once a step.
"""

import os
from collections.abc import Callable, Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn


def _enter(rank: int, n_workers: int, task: Callable[..., None], args: tuple[object, ...]) -> None:
    torch.set_num_threads(1)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29531")
    dist.init_process_group("gloo", rank=rank, world_size=n_workers)
    task(*args)
    dist.destroy_process_group()


def run_workers(n_workers: int, task: Callable[..., None], *args: object) -> None:
    """Run `task(*args)` in `n_workers` processes that share gradients, and wait for them."""
    spawn(  # type: ignore[no-untyped-call]  # torch gives no types here
        _enter, args=(n_workers, task, args), nprocs=n_workers
    )


def rank() -> int:
    """The number of this worker; 0 outside of `run_workers`."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """How many workers there are; 1 outside of `run_workers`."""
    return dist.get_world_size() if dist.is_initialized() else 1


def agree(value: float) -> float:
    """The largest of the workers' values, so that all of them take the same step."""
    if count() == 1:
        return value
    box = torch.tensor(value, dtype=torch.float64)
    dist.all_reduce(box, dist.ReduceOp.MAX)
    return float(box)


def _sum(tensors: list[Tensor]) -> None:
    flat = torch.cat([t.reshape(-1) for t in tensors])
    dist.all_reduce(flat)
    for t, part in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
        t.copy_(part.view_as(t))


def average_gradients(model: nn.Module) -> None:
    """Replace each gradient by its mean over the workers."""
    if count() == 1:
        return
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    _sum(grads)
    for grad in grads:
        grad.div_(count())


def owned(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    """The parameters that this worker updates; `exchange` brings the others'."""
    return parameters[rank() :: count()]


@torch.no_grad()
def exchange(parameters: Iterable[nn.Parameter]) -> None:
    """Give every worker the parameters as their owners updated them."""
    if count() == 1:
        return
    tensors = [p.data for p in parameters]
    for i, tensor in enumerate(tensors):
        if i % count() != rank():
            tensor.zero_()
    _sum(tensors)
