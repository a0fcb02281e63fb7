"""Data sources of `train`, by the names of the language."""

from tercet.compiler.data.base import NOT_YET, SOURCES, DataSource, FileSource
from tercet.compiler.data.bundled import BreastCancer, Diabetes, Digits, Iris, Table, Wine
from tercet.compiler.data.files import Npz, Text
from tercet.compiler.data.images import Cifar10, Cifar100, FashionMnist, Mnist
from tercet.compiler.data.synthetic import Draw, Synthetic
from tercet.compiler.data.tables import Csv

__all__ = [
    "NOT_YET",
    "SOURCES",
    "BreastCancer",
    "Cifar10",
    "Cifar100",
    "Csv",
    "DataSource",
    "Diabetes",
    "Digits",
    "Draw",
    "FashionMnist",
    "FileSource",
    "Iris",
    "Mnist",
    "Npz",
    "Synthetic",
    "Table",
    "Text",
    "Wine",
]
