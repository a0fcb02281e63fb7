"""Checkpoints in PyTorch's words (docs/checkpoints.md)."""

from __future__ import annotations


def checkpoint_text(scaled: bool) -> str:
    """`save_checkpoint`, `load_checkpoint` and `part`; `scaled` where there is a `scaler` too."""
    state = "model, optimizer, scaler" if scaled else "model, optimizer"
    saved, loaded = (_SAVE_SCALER, _LOAD_SCALER) if scaled else ("", "")
    return f'''\
def save_checkpoint(args, {state}, step):
    """Write weights, optimizer state, random state and step to `args.checkpoint`."""
    tensors = {{f"weights/{{name}}": tensor for name, tensor in weights(model).items()}}
    for name, parameter in model.named_parameters():
        for slot, value in optimizer.state.get(parameter, {{}}).items():
            tensors[f"optimizer/{{name}}/{{slot}}"] = torch.as_tensor(value)
{saved}    tensors["random/cpu"] = torch.get_rng_state()
    if args.device.startswith("cuda"):
        tensors["random/cuda"] = torch.cuda.get_rng_state(args.device)
    run = {{**identity(args.seed, args.batch_size), "step": str(step)}}
    write(args.checkpoint, {{n: t.cpu().contiguous() for n, t in tensors.items()}}, run)


def load_checkpoint(args, {state}):
    """Put everything back as `save_checkpoint` found it; gives the step."""
    arrays, step = read_checkpoint(args.resume, identity(args.seed, args.batch_size))
    tensors = {{name: torch.from_numpy(array) for name, array in arrays.items()}}
    load(model, part(tensors, "weights/"), args.resume)
    for name, parameter in model.named_parameters():
        state = part(tensors, f"optimizer/{{name}}/")
        for slot, value in state.items():
            if value.shape not in ((), parameter.shape) or not value.is_floating_point():
                raise SystemExit(f"{{args.resume}}: {{slot}} does not fit {{name}}")
        optimizer.state[parameter] = {{
            slot: value if slot == "step" else value.to(parameter.device)
            for slot, value in state.items()
        }}
    if len({{frozenset(state) for state in optimizer.state.values() if state}}) > 1:
        raise SystemExit(f"{{args.resume}}: some state of the optimizer is missing")
{loaded}    try:
        torch.set_rng_state(tensors["random/cpu"])
        if args.device.startswith("cuda") and "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random/cuda"], args.device)
    except (KeyError, RuntimeError, TypeError):
        raise SystemExit(f"{{args.resume}}: no state of random numbers") from None
    return step


def part(tensors, prefix):
    """The tensors whose names begin so, without the beginning."""
    return {{n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}}'''


_SAVE_SCALER = """\
    for name, value in scaler.state_dict().items():
        tensors[f"optimizer/{name}"] = torch.tensor(value)
"""
_LOAD_SCALER = """\
    names = scaler.state_dict()
    scaler.load_state_dict({n: tensors[f"optimizer/{n}"].item() for n in names})
"""
