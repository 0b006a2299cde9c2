"""What can be asked about: `ImageSampleField.width`, `SampleField.metadata["key"]`, the fields of annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lightly_widget.checks import check_string
from lightly_widget.errors import InvalidTypeError, UnknownFieldError, did_you_mean
from lightly_widget.query.algebra import AND, Expression, as_expression
from lightly_widget.query.expressions import Annotated, Compare, HasTag, IsIn, IsNull, TextMatch
from lightly_widget.query.values import scalar, values_of


class Field:
    """A column of the samples. Comparisons give expressions; `asc()` and `desc()` give an order."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return self._compare("!=", other)

    def __lt__(self, other: object) -> Expression:
        return self._compare("<", other)

    def __le__(self, other: object) -> Expression:
        return self._compare("<=", other)

    def __gt__(self, other: object) -> Expression:
        return self._compare(">", other)

    def __ge__(self, other: object) -> Expression:
        return self._compare(">=", other)

    __hash__ = object.__hash__

    def _compare(self, cmp: str, other: object) -> Expression:
        if isinstance(other, Field):
            raise InvalidTypeError(
                f"two fields cannot be compared here; use polars: pl.col({self.name!r}) {cmp} pl.col({other.name!r})"
            )
        return Compare(self.name, cmp, scalar(self.name, other))

    def is_in(self, values: object) -> Expression:
        """The value is one of these."""
        return IsIn(self.name, values_of(self.name, values))

    def between(self, low: object, high: object) -> Expression:
        """low ≤ value ≤ high."""
        return AND(self._compare(">=", low), self._compare("<=", high))

    def is_null(self) -> Expression:
        """There is no value."""
        return IsNull(self.name)

    def asc(self) -> OrderBy:
        """Smallest first, missing values last."""
        return OrderBy(self.name, descending=False)

    def desc(self) -> OrderBy:
        """Largest first, missing values last."""
        return OrderBy(self.name, descending=True)

    def __bool__(self) -> bool:
        raise InvalidTypeError(f"the field {self.name} has no truth value; compare it with something")

    def __repr__(self) -> str:
        return self.name


class TextField(Field):
    def contains(self, text: str) -> Expression:
        """The text occurs in the value, as it is (no pattern), upper and lower case told apart."""
        return TextMatch(self.name, "contains", check_string(f"{self.name}.contains", text, empty=True))

    def starts_with(self, text: str) -> Expression:
        """The value starts with the text."""
        return TextMatch(self.name, "starts_with", check_string(f"{self.name}.starts_with", text, empty=True))


class TagsField:
    """The tags of a sample: `ImageSampleField.tags.contains("train")`."""

    def contains(self, tag_name: str) -> Expression:
        """The sample has the tag. Evaluating raises when the dataset has no such tag."""
        return HasTag(check_string("tags.contains", tag_name, empty=True))

    def __repr__(self) -> str:
        return "tags"


class MetadataFields:
    """`metadata["key"]`; a key of a nested value is written with dots: `metadata["camera.iso"]`."""

    def __getitem__(self, key: str) -> TextField:
        return TextField(f"metadata.{check_string('metadata[…]', key, empty=True)}")


@dataclass(frozen=True)
class OrderBy:
    """An order by one column; missing values come last either way."""

    name: str
    descending: bool = False


class _Fields:
    """A group of fields, which names its members when asked for another."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnknownFieldError(did_you_mean("field", name, [n for n in vars(type(self)) if not n.startswith("_")]))


class SampleFields(_Fields):
    sample_id: Final = TextField("sample_id")
    file_name: Final = TextField("file_name")
    file_path_abs: Final = TextField("file_path_abs")
    created_at: Final = Field("created_at")
    tags: Final = TagsField()
    metadata: Final = MetadataFields()
    text: Final = TextField("text")
    width: Final = Field("width")
    height: Final = Field("height")


class ImageSampleFields(_Fields):
    sample_id: Final = TextField("sample_id")
    file_name: Final = TextField("file_name")
    file_path_abs: Final = TextField("file_path_abs")
    width: Final = Field("width")
    height: Final = Field("height")
    created_at: Final = Field("created_at")
    tags: Final = TagsField()
    metadata: Final = MetadataFields()


class ClassificationFields(_Fields):
    class_name: Final = TextField("class_name")
    confidence: Final = Field("confidence")
    annotation_source: Final = TextField("annotation_source")


class ObjectDetectionFields(_Fields):
    class_name: Final = TextField("class_name")
    confidence: Final = Field("confidence")
    annotation_source: Final = TextField("annotation_source")
    x: Final = Field("x")
    y: Final = Field("y")
    width: Final = Field("width")
    height: Final = Field("height")
    area: Final = Field("area")


ImageSampleField: Final = ImageSampleFields()
SampleField: Final = SampleFields()
ClassificationField: Final = ClassificationFields()
ObjectDetectionField: Final = ObjectDetectionFields()


class ClassificationQuery:
    """Conditions on a sample's classifications."""

    @staticmethod
    def match(*criteria: object) -> Expression:
        """Samples with one classification that meets all criteria (over `ClassificationField`)."""
        return Annotated("classification", _all(criteria))


class ObjectDetectionQuery:
    """Conditions on a sample's boxes."""

    @staticmethod
    def match(*criteria: object) -> Expression:
        """Samples with one box that meets all criteria (over `ObjectDetectionField`; pixels, top-left origin)."""
        return Annotated("object_detection", _all(criteria))


def _all(criteria: tuple[object, ...]) -> Expression | None:
    if not criteria:
        return None
    return as_expression(criteria[0]) if len(criteria) == 1 else AND(*criteria)
