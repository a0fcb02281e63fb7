"""Random models: blocks, loops, `if`s, lists and rebinding over tensors of one width.

Every tensor of a block is [N, D] for the block's own D, so that any of them fits anywhere.  What is
computed reaches an output: a name that is given a new value passes on the old one.
"""

from __future__ import annotations

from random import Random

_FUNCTIONS = ("relu", "tanh", "sigmoid", "softplus")
_LAYERS = ("dense(D)", "layer_norm", "rms_norm", "dense(D, bias = false)", "dropout(0.1)")


class Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._blocks: list[tuple[str, int, int]] = []
        self._lines: list[str] = []
        self._count = 0

    def program(self) -> str:
        for index in range(self._random.randint(0, 3)):
            self._block(f"B{index}")
        self._lines.append("model M {")
        self._lines += ["    input x: f32[N, 4]", "    input y: f32[N, 4]", "    D = 4"]
        self._share()
        self._body(["x", "y"], "    ", 9, 2)
        outputs = self._random.randint(1, 3)
        results = [f"out{k} = {self._expression(self._names, 2)}" for k in range(outputs)]
        results[0] += f" + 0.5 * ({' + '.join(self._names)})"
        self._lines += [f"    output {', '.join(results)}", "}"]
        return "\n".join(self._lines) + "\n"

    def _block(self, name: str) -> None:
        inputs, outputs = self._random.randint(1, 2), self._random.randint(1, 2)
        parameters = "layer, depth = 1, flag = true, scale = 1.0, act = relu"
        self._lines.append(f"block {name}({parameters}) {{")
        given = ["x", "y"][:inputs]
        self._lines += [f"    input {n}: f32[N, D]" for n in given]
        self._statics, self._shared = True, ["layer"]
        self._body(given, "    ", 6, 2)
        results = [self._expression(self._names, 2) for _ in range(outputs)]
        results[0] += f" + 0.5 * ({' + '.join(self._names)})"
        self._lines += [f"    output {', '.join(results)}", "}"]
        self._statics = False
        self._blocks.append((name, inputs, outputs))

    def _share(self) -> None:
        """Layers and blocks of the model that any block may get as an argument."""
        self._shared = ["shared", "norm"]
        self._lines += ["    shared = dense(D)", "    norm = layer_norm()"]
        self._lines.append("    x = x + shared(norm(y))")
        for name, inputs, outputs in self._blocks:
            if inputs == outputs == 1 and self._random.random() < 0.7:
                bound = f"bound_{name}"
                given = self._random.choice(self._shared)
                self._lines += [f"    {bound} = {name}({given}, depth = 1)"]
                self._lines.append(f"    y = y + {bound}(x)")
                self._shared.append(bound)

    _statics = False
    _names: list[str]
    _shared: list[str]

    def _body(self, names: list[str], pad: str, statements: int, depth: int) -> None:
        self._names = names
        for _ in range(self._random.randint(1, statements)):
            self._statement(pad, depth)

    def _statement(self, pad: str, depth: int) -> None:
        choice = self._random.random()
        if choice < 0.15 and depth:
            self._loop(pad, depth)
        elif choice < 0.3 and depth:
            self._if(pad, depth)
        elif choice < 0.38:
            a, b = self._two()
            swapped = self._random.choice(
                [f"{b}, {a}", f"{b} + 1, {a}", f"{a} * sigmoid({b}), {a}"]
            )
            self._lines.append(f"{pad}{a}, {b} = {swapped}")
        elif choice < 0.5 and any(outputs == 2 for _, _, outputs in self._blocks):
            self._pair(pad)
        else:
            value = self._expression(self._names, 3)
            old = set(self._names)
            target = self._target()
            kept = f" + 0.25 * {target}" * (target in old)
            self._lines.append(f"{pad}{target} = {value}{kept}")

    def _pair(self, pad: str) -> None:
        block = self._random.choice([b for b in self._blocks if b[2] == 2])
        value = self._call(block)
        first, second = self._fresh(), self._fresh()
        self._lines.append(f"{pad}{first}, {second} = {value}")

    def _target(self) -> str:
        if self._random.random() < 0.6:
            return self._random.choice(self._names)
        return self._fresh()

    def _fresh(self) -> str:
        self._count += 1
        self._names.append(f"t{self._count}")
        return self._names[-1]

    def _two(self) -> tuple[str, str]:
        if len(self._names) < 2:
            self._lines.append(f"    extra = {self._names[0]} * 0.5")
            self._names.append("extra")
        a, b = self._random.sample(self._names, 2)
        return a, b

    def _loop(self, pad: str, depth: int) -> None:
        kind = self._random.randint(0, 3)
        head = {
            0: f"for i{depth} in range({self._random.randint(0, 3)})",
            1: f"for s{depth} in [0.5, 2.0, -1.5]",
            2: f"for i{depth}, s{depth} in enumerate([1.0, 0.25])",
            3: f"for i{depth} in range({'depth' if self._statics else '2'})",
        }[kind]
        self._lines.append(f"{pad}{head} {{")
        inner = list(self._names)
        known = self._names
        self._names = inner
        target = self._random.choice(known)
        scale = f" * s{depth}" if kind in (1, 2) else ""
        passed = f"0.25 * {target} + "
        self._lines.append(f"{pad}    {target} = {passed}{self._expression(known, 2)}{scale}")
        for _ in range(self._random.randint(0, 2)):
            self._statement(pad + "    ", depth - 1)
        self._pass_on(pad, known)
        self._lines.append(f"{pad}}}")
        self._names = known

    def _pass_on(self, pad: str, known: list[str]) -> None:
        """What the names of a loop or branch hold goes into one that lives on."""
        own = [name for name in self._names if name not in known]
        if own:
            last = self._random.choice(known)
            self._lines.append(f"{pad}    {last} = {last} + 0.5 * ({' + '.join(own)})")

    def _if(self, pad: str, depth: int) -> None:
        condition = self._random.choice(
            ["flag", "depth == 2", "scale > 1", "not flag"] if self._statics else ["true", "D == 3"]
        )
        known = self._names
        self._lines.append(f"{pad}if {condition} {{")
        for side in range(2):
            self._names = list(known)
            for _ in range(self._random.randint(0, 2)):
                self._statement(pad + "    ", depth - 1)
            target = self._random.choice(known)
            value = self._expression(known, 2)
            self._lines.append(f"{pad}    {target} = {value} + 0.25 * {target}")
            self._pass_on(pad, known)
            if side == 0:
                if self._random.random() < 0.4:
                    break
                self._lines.append(f"{pad}}} else {{")
        self._lines.append(f"{pad}}}")
        self._names = known

    def _expression(self, names: list[str], depth: int) -> str:
        if not depth:
            return self._random.choice(names)
        inner = self._expression(names, depth - 1)
        other = self._expression(names, depth - 1)
        single = [b for b in self._blocks if b[2] == 1]
        kinds = 8 if single else 7
        match self._random.randint(0, kinds):
            case 0:
                return f"{self._random.choice(_FUNCTIONS)}({inner})"
            case 1 | 2:
                return f"(({inner}) |> {self._random.choice(_LAYERS)})"
            case 3:
                operator = self._random.choice(["+", "-", "* sigmoid"])
                return f"({inner} {operator}({other}))"
            case 4:
                number = self._random.choice(["0.5", "2", "-1.25"] + ["scale"] * self._statics)
                return f"({number} * {inner})"
            case 5 if self._statics:
                return f"(if flag {{ {inner} }} else {{ {other} }})"
            case 6 if self._statics:
                return f"act({inner})"
            case 7:
                return f"(({inner}) |> {self._random.choice(self._shared)})"
            case 8:
                return self._call(self._random.choice(single))
        return f"(concat([{inner}, {other}], axis = 1) |> dense(D))"

    def _call(self, block: tuple[str, int, int]) -> str:
        name, inputs, _ = block
        settings = [
            f"depth = {self._random.randint(0, 2)}",
            f"flag = {self._random.choice(['true', 'false'])}",
            f"scale = {self._random.choice(['0.5', '1.0', '2.0'])}",
            f"act = {self._random.choice(_FUNCTIONS)}",
        ]
        chosen = ", ".join(
            [
                self._random.choice(self._shared),
                *self._random.sample(settings, self._random.randint(0, 3)),
            ]
        )
        given = ", ".join(self._random.choice(self._names) for _ in range(inputs))
        return f"{name}({chosen})({given})"
