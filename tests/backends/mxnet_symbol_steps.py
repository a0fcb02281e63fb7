"""Cases: recurrence, interleaved attention, sequences of different lengths."""

from __future__ import annotations

from typing import Any

from tests.backends.mxnet_symbol_cases import Case, function, integers, real, recurrent


def _recurrence() -> list[Case]:
    steps = (real("N", "T", 5),)
    cases = []
    for kind in ("RNN", "LSTM", "GRU"):
        name = kind.lower()
        for layers in (1, 2, 3):
            for both in (False, True):
                options = {"num_layers": layers, "bidirectional": both}
                cases.append(
                    Case(
                        f"{name}_{layers}{'_both' if both else ''}",
                        recurrent(kind, 6, 5, **options),
                        steps,
                        dims=(("N", "T", 12 if both else 6),),
                        operators={kind: layers},
                    )
                )
        many = [real(4, "N", 6) for _ in range(2 if kind == "LSTM" else 1)]
        one = [real(1, "N", 6) for _ in many]
        stacked = {"num_layers": 2, "bidirectional": True}
        cases += [
            Case(f"{name}_states", recurrent(kind, 6, 5), (*steps, *one)),
            Case(f"{name}_stacked_states", recurrent(kind, 6, 5, **stacked), (*steps, *many)),
            Case(
                f"{name}_time_first",
                recurrent(kind, 6, 5, layout="TNC"),
                (real("T", "N", 5),),
                operators={"Transpose": 0},
            ),
        ]
    cases += [
        Case("lstm_zero_states", _zero_states, steps, operators={"LSTM": 2, "Expand": 0}),
        Case("rnn_relu", recurrent("RNN", 6, 5, activation="relu"), steps),
        Case(
            "lstm_f64",
            _cast(recurrent("LSTM", 6, 5), "float64"),
            (real("N", "T", 5, dtype="float64"),),
            1e-6,
            runtime="reference",
        ),
    ]
    return cases


def _zero_states(mx: Any) -> Any:
    """Zeros that are told to be as many as the sequences: ONNX's own default."""

    class ZeroStates(mx.gluon.HybridBlock):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = mx.gluon.rnn.LSTM(6, num_layers=2, layout="NTC", input_size=5)

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            one = F.broadcast_axis(F.zeros((1, 1, 6)), axis=0, size=3)
            state = F.broadcast_like(one, x, lhs_axes=(1,), rhs_axes=(0,))
            y, (h, c) = self.lstm(x, [F.slice_axis(state, axis=0, begin=1, end=3)] * 2)
            return y, h, c

    return ZeroStates()


def _cast(build: Any, dtype: str) -> Any:
    def built(mx: Any) -> Any:
        block = build(mx)
        block.cast(dtype)
        return block

    return built


def _attention() -> list[Case]:
    contrib = "interleaved_matmul_"

    def call(name: str, count: int) -> Any:
        def body(F: Any, *inputs: Any) -> Any:
            return getattr(F.contrib, contrib + name)(*inputs[:count], heads=2)

        return function(body)

    return [
        Case("self_scores", call("selfatt_qk", 1), (real("T", "N", 24),)),
        Case("self_values", _self_attention(), (real("T", "N", 24),), dims=(("T", "N", 8),)),
        Case("cross_scores", call("encdec_qk", 2), (real("T", "N", 8), real("S", "N", 16))),
        Case("cross_values", _cross_attention(), (real("T", "N", 8), real("S", "N", 16))),
    ]


def _self_attention() -> Any:
    def body(F: Any, x: Any) -> Any:
        scores = F.contrib.interleaved_matmul_selfatt_qk(x, heads=2)
        weight = F.softmax(scores, axis=-1)
        return F.contrib.interleaved_matmul_selfatt_valatt(x, weight, heads=2)

    return function(body)


def _cross_attention() -> Any:
    def body(F: Any, q: Any, kv: Any) -> Any:
        weight = F.softmax(F.contrib.interleaved_matmul_encdec_qk(q, kv, heads=2), axis=-1)
        return F.contrib.interleaved_matmul_encdec_valatt(kv, weight, heads=2)

    return function(body)


def _sequences() -> list[Case]:
    steps, lengths = real("T", "N", 4), integers(1, 5, "N", dtype="float32")

    def sequence(name: str, **options: Any) -> Any:
        def body(F: Any, x: Any, *lengths: Any) -> Any:
            return getattr(F, name)(x, *lengths, use_sequence_length=bool(lengths), **options)

        return function(body)

    batch_first = (real("N", "T"), lengths)
    return [
        Case("sequence_mask", sequence("SequenceMask", value=-3.0), (steps, lengths)),
        Case("sequence_mask_batch_first", sequence("SequenceMask", axis=1), batch_first),
        Case("sequence_last", sequence("SequenceLast"), (steps, lengths)),
        Case("sequence_last_batch", sequence("SequenceLast", axis=1), (real("N", "T", 4), lengths)),
        Case("sequence_last_all", sequence("SequenceLast"), (steps,)),
        Case("sequence_reverse", sequence("SequenceReverse"), (steps, lengths)),
        Case("sequence_reverse_all", sequence("SequenceReverse"), (steps,)),
    ]


CASES = (*_recurrence(), *_attention(), *_sequences())
