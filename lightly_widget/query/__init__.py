"""Fields and expressions over a snapshot of the dataset, and the immutable queries made of them."""

from lightly_widget.query.algebra import AND, NOT, OR, Expression
from lightly_widget.query.fields import (
    ClassificationField,
    ClassificationQuery,
    ImageSampleField,
    ObjectDetectionField,
    ObjectDetectionQuery,
    SampleField,
)
from lightly_widget.query.query import Query, annotations_of_rows, embeddings_of_rows, ids_of, resolve
from lightly_widget.query.steps import Pinned

__all__ = [
    "AND",
    "NOT",
    "OR",
    "ClassificationField",
    "ClassificationQuery",
    "Expression",
    "ImageSampleField",
    "ObjectDetectionField",
    "ObjectDetectionQuery",
    "Pinned",
    "Query",
    "SampleField",
    "annotations_of_rows",
    "embeddings_of_rows",
    "ids_of",
    "resolve",
]
