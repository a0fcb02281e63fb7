"""What is known of every network of samples/zoo from elsewhere: one record for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tercet.compiler.dims import product
from tercet.project import Project, open_project
from tests.zoo import names, sequence_names

ZOO = Path(__file__).parents[2] / "samples" / "zoo"
LINES = 60
"""What a network may take at most, its training included."""
_DRAWN = {"data.rows": "64", "data.split": "1"}


@dataclass(frozen=True)
class Library:
    """The same network in a library, and how its weights are found there.

    `builder(**arguments)` is the network at the `parameters` of ours; `name_of` gives the library's
    name for the path of a parameter.  Names that the library has and we have not match `unused`;
    of an output that is a dictionary, `outputs` are the keys, in the order of our outputs.
    Where the builder takes one object, `config` is the class that holds the arguments.
    `given` are its names for our inputs, by position otherwise; weights of names that match
    `transposed` lie the other way round.
    """

    builder: str
    name_of: Callable[[str], str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    config: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    transposed: str = r"(?!)"
    unused: str = r"num_batches_tracked$"
    outputs: tuple[str, ...] = ()
    tolerance: float = 1e-9
    """Of the scale of the output, in double precision."""
    only_on_record: bool = False
    """Too large for every run of the tests: benchmarks/zoo.json holds what was found."""

    @property
    def package(self) -> str:
        """What has to be installed."""
        return self.builder.partition(".")[0]


@dataclass(frozen=True)
class Network:
    """A file of samples/zoo.

    `reference` is what its first lines name, `trainable` the published count of parameters at full
    size.  `small` makes it small enough to be verified and trained in a test, on the data that
    `training` makes tiny: 20 steps are then `epochs` of `batch` rows each.
    """

    name: str
    reference: str
    trainable: int
    small: Mapping[str, str]
    library: Library | None = None
    lines: int = LINES
    training: Mapping[str, str] = field(default_factory=lambda: _DRAWN)
    batch: int = 16
    epochs: int = 5

    @property
    def path(self) -> Path:
        """The file."""
        return ZOO / f"{self.name}.model"

    def opened(self, parameters: Mapping[str, str]) -> Project:
        """The network at these parameters, with the data of its training made tiny."""
        return _opened(self.path, tuple(parameters.items()), tuple(self.training.items()))


Settings = tuple[tuple[str, str], ...]


@cache
def _opened(path: Path, parameters: Settings, training: Settings) -> Project:
    return open_project(path, parameters=dict(parameters), training=dict(training))


def trainable(project: Project) -> int:
    """How many numbers training changes."""
    parameters = (p for _, p in project.model.parameters() if p.trainable)
    sizes = [product(p.type.shape) for p in parameters]
    return sum(size for size in sizes if isinstance(size, int))


NETWORKS = (
    Network(
        "vgg16",
        "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        138_357_544,
        small={
            "size": "32",
            "width": "8",
            "depths": "[1, 1, 1, 1, 1]",
            "hidden": "256",
            "classes": "4",
        },
        library=Library("torchvision.models.vgg16", names.vgg, only_on_record=True),
    ),
    Network(
        "resnet50",
        "Deep Residual Learning for Image Recognition",
        25_557_032,
        small={"size": "32", "width": "8", "depths": "[1, 1, 1, 1]", "classes": "4"},
        library=Library("torchvision.models.resnet50", names.resnet, parameters={"size": "64"}),
        lines=35,
    ),
    Network(
        "resnext50",
        "Aggregated Residual Transformations for Deep Neural Networks",
        25_028_904,
        small={
            "size": "32",
            "width": "8",
            "depths": "[1, 1, 1, 1]",
            "groups": "4",
            "classes": "4",
        },
        library=Library(
            "torchvision.models.resnext50_32x4d", names.resnet, parameters={"size": "64"}
        ),
    ),
    Network(
        "densenet121",
        "Densely Connected Convolutional Networks",
        7_978_856,
        small={"size": "32", "growth": "8", "depths": "[2, 2, 2, 2]", "classes": "4"},
        library=Library(
            "torchvision.models.densenet121", names.densenet, parameters={"size": "64"}
        ),
    ),
    Network(
        "mobilenet_v3",
        "Searching for MobileNetV3",
        5_483_032,
        small={"size": "32", "width": "0.25", "depth": "1", "classes": "4"},
        library=Library(
            "torchvision.models.mobilenet_v3_large", names.mobilenet_v3, parameters={"size": "64"}
        ),
    ),
    Network(
        "shufflenet_v2",
        "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
        2_278_604,
        small={"size": "32", "stages": "[(16, 2), (32, 1), (64, 1)]", "head": "64", "classes": "4"},
        library=Library(
            "torchvision.models.shufflenet_v2_x1_0", names.shufflenet, parameters={"size": "64"}
        ),
    ),
    Network(
        "efficientnet_b0",
        "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        5_288_548,
        small={"size": "32", "width": "0.25", "depth": "0.1", "classes": "4"},
        library=Library(
            "torchvision.models.efficientnet_b0", names.efficientnet, parameters={"size": "64"}
        ),
    ),
    Network(
        "convnext_tiny",
        "A ConvNet for the 2020s",
        28_589_128,
        small={"size": "32", "width": "8", "depths": "[1, 1, 1, 1]", "classes": "4"},
        library=Library(
            "torchvision.models.convnext_tiny", names.convnext, parameters={"size": "64"}
        ),
    ),
    Network(
        "unet",
        "U-Net: Convolutional Networks for Biomedical Image Segmentation",
        31_037_698,
        small={"size": "16", "width": "4"},
        training={"data.rows": "16", "data.split": "1"},
        batch=4,
    ),
    Network(
        "deeplab_v3",
        "Rethinking Atrous Convolution for Semantic Image Segmentation",
        42_004_074,
        small={
            "size": "32",
            "width": "4",
            "depths": "[1, 1, 1, 1]",
            "rates": "[2, 3]",
            "classes": "3",
        },
        library=Library(
            "torchvision.models.segmentation.deeplabv3_resnet50",
            names.deeplab,
            parameters={"size": "64"},
            arguments={"weights_backbone": None, "aux_loss": True},
            outputs=("out", "aux"),
        ),
        training={"data.rows": "16", "data.split": "1"},
        batch=4,
    ),
    Network(
        "vit_b16",
        "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
        86_567_656,
        small={
            "size": "32",
            "patch": "8",
            "layers": "2",
            "heads": "4",
            "dim": "32",
            "hidden": "64",
            "classes": "4",
        },
        library=Library(
            "torchvision.models.vit_b_16",
            sequence_names.vit,
            parameters={"size": "64"},
            arguments={"image_size": 64},
        ),
    ),
    Network(
        "swin_tiny",
        "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
        28_288_354,
        small={
            "size": "32",
            "window": "2",
            "dim": "8",
            "heads": "2",
            "depths": "[2, 2]",
            "classes": "4",
        },
        library=Library(
            "torchvision.models.swin_t", sequence_names.swin, unused=r"relative_position_index$"
        ),
        training={**_DRAWN, "optimizer.lr": "0.01"},
    ),
    Network(
        "bert_base",
        "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
        109_482_240,
        small={"vocab": "64", "layers": "2", "heads": "2", "dim": "16", "context": "32"},
        library=Library(
            "transformers.BertModel",
            sequence_names.bert,
            parameters={"vocab": "100", "layers": "3", "dim": "96", "context": "64"},
            arguments={
                "vocab_size": 100,
                "num_hidden_layers": 3,
                "hidden_size": 96,
                "intermediate_size": 384,
                "max_position_embeddings": 64,
            },
            config="transformers.BertConfig",
            given={
                "tokens": "input_ids",
                "segment": "token_type_ids",
                "visible": "attention_mask",
            },
            outputs=("last_hidden_state", "pooler_output"),
        ),
    ),
    Network(
        "gpt2",
        "Language Models are Unsupervised Multitask Learners",
        124_439_808,
        small={"vocab": "32", "layers": "2", "heads": "2", "dim": "16", "context": "32"},
        library=Library(
            "transformers.GPT2LMHeadModel",
            sequence_names.gpt2,
            parameters={"vocab": "100", "layers": "3", "dim": "96", "context": "64"},
            arguments={"vocab_size": 100, "n_layer": 3, "n_embd": 96, "n_positions": 64},
            config="transformers.GPT2Config",
            given={"tokens": "input_ids"},
            transposed=r"(c_attn|c_proj|c_fc)\.weight$",
            unused=r"^lm_head\.weight$",
            outputs=("logits",),
        ),
        training={**_DRAWN, "optimizer.lr": "0.01"},
        lines=45,
    ),
    Network(
        "llama",
        "LLaMA: Open and Efficient Foundation Language Models",
        1_100_048_384,
        small={
            "vocab": "32",
            "layers": "2",
            "heads": "4",
            "kv_heads": "2",
            "dim": "16",
            "hidden": "24",
        },
        library=Library(
            "transformers.LlamaForCausalLM",
            sequence_names.llama,
            parameters={
                "vocab": "100",
                "layers": "3",
                "heads": "8",
                "dim": "64",
                "hidden": "160",
            },
            arguments={
                "vocab_size": 100,
                "num_hidden_layers": 3,
                "num_attention_heads": 8,
                "num_key_value_heads": 4,
                "hidden_size": 64,
                "intermediate_size": 160,
                "rms_norm_eps": 1e-5,
            },
            config="transformers.LlamaConfig",
            given={"tokens": "input_ids"},
            outputs=("logits",),
            tolerance=1e-5,  # it normalises, and turns by positions, in float32 whatever is asked
        ),
    ),
    Network(
        "crnn",
        "An End-to-End Trainable Neural Network for Image-based Sequence Recognition",
        8_718_629,
        small={"columns": "24", "width": "4", "units": "8", "classes": "5"},
        training={**_DRAWN, "optimizer": "adam(lr = 0.01)"},
    ),
    Network(
        "wavenet",
        "WaveNet: A Generative Model for Raw Audio",
        1_279_616,
        small={
            "levels": "16",
            "channels": "8",
            "skips": "8",
            "cycles": "1",
            "depth": "3",
        },
    ),
)
"""In the order of the page."""
