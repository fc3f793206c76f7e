"""The settings that every training of a network on data has. Loads no torch."""

from typing import TYPE_CHECKING, Any, Literal

from lossbars.networks.specs import CustomNetwork, NetworkSpec
from lossbars.recipes import Normalisation, Recipe
from lossbars.workflow.fingerprint import user_file

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan


class TrainingSettings(Recipe):
    """A network, its data as it reads them, and the arithmetic of its training."""

    network: NetworkSpec
    network_file: str | None  # fingerprint of the file of a user's network
    augment: Literal["none", "crop-flip"]
    normalise: Normalisation | None
    precision: Literal["float32", "tf32", "bfloat16", "auto"]
    micro_batch: int | None
    samples: int | None
    samples_scale: float

    @classmethod
    def of(cls, plan: "Plan", experiment: str, network: Any, **more: Any) -> Any:
        """The settings of a training of ``network``; ``more`` are those of a derived class."""
        config: Any = plan.experiments[experiment]
        return cls(
            network=network,
            network_file=source_of(network),
            augment=config.augment,
            normalise=config.normalise,
            precision=config.precision,
            micro_batch=config.micro_batch,
            samples=config.samples,
            samples_scale=plan.scale.samples,
            **more,
        )


def source_of(network: Any) -> str | None:
    """The fingerprint of the file of a user's network; None of the networks that come with lossbars."""
    return user_file(network.source, "network") if isinstance(network, CustomNetwork) else None
