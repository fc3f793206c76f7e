"""What is done to inputs before a network sees them."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from lossbars.recipes.base import Recipe, yaml_number

Channels = Annotated[list[Annotated[float, BeforeValidator(yaml_number)]], Field(min_length=1)]


class Normalisation(Recipe):
    """(x − mean)/std of each channel; images count from 0 to 1."""

    mean: Channels
    std: Channels

    @model_validator(mode="after")
    def _consistent(self) -> "Normalisation":
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean has {len(self.mean)} channels, std {len(self.std)}")
        if min(self.std) <= 0:
            raise ValueError(f"std: {self.std} must be above zero")
        return self

    @property
    def black(self) -> list[float]:
        """What zero becomes."""
        return [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]
