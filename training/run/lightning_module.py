"""One training step, one validation step, and what optimises: the Lightning module."""

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy

from redwood_depth.evaluation.metrics import depth_scores
from training.config import TrainConfig, config_from
from training.data.dataset import Sample
from training.errors import TrainingError
from training.network.encoder import Encoder
from training.network.losses import depth_loss_parts, ssim_loss, valid_mask
from training.network.model import build_model

DEPTH_METRICS = ("abs_rel", "mae", "rmse", "delta1")
PAPER_WEIGHTS = {"error": 0.1, "gradient": 0.9, "ssim": 0.85}


class DepthClassModule(lightning.LightningModule):
    """The network with its losses; `hyper_parameters` of a checkpoint rebuild it."""

    def __init__(self, config: dict[str, Any], classes: Sequence[str], start_at_m: float = 2.0) -> None:
        """`config` as TrainConfig.to_dict gives it; training starts near depth `start_at_m`."""
        super().__init__()
        self.save_hyperparameters({"config": config, "classes": list(classes), "start_at_m": start_at_m})
        self.config: TrainConfig = config_from(config)
        self.classes = tuple(classes)
        self.model = build_model(self.config, None, len(classes))
        if self.config.class_head == "imagenet" and getattr(self.model.encoder.classifier, "out_features", 0) != 1000:
            raise TrainingError("class_head: imagenet needs an encoder with ImageNet's classifier of 1000 classes")
        self.model.decoder.start_at(start_at_m)
        self.model.class_head.requires_grad_(self.learns_classes)
        self._maps: dict[int, list[Tensor]] = {}  # of the views that later epochs see again, by draw
        self._teacher: list[Encoder] = []  # in a list, so that it is not part of the state
        self.depth_means = torch.nn.ModuleDict({name: MeanMetric() for name in DEPTH_METRICS})
        self.accuracy = MulticlassAccuracy(len(classes) + 1, average="micro")

    @property
    def learns_classes(self) -> bool:
        """Whether the class head is trained here; the rows of "imagenet" are fitted afterwards."""
        return self.config.class_head == "linear" and bool(self.classes) and self.config.class_loss_weight > 0

    def on_fit_start(self) -> None:
        if self.config.keep_imagenet > 0 and self.config.encoder_training != "frozen":
            teacher = Encoder(self.config.encoder, self.config.encoder_weights)
            self._teacher = [teacher.to(self.device).to(memory_format=torch.channels_last)]

    def on_train_batch_start(self, batch: Sample, index: int) -> None:
        """What a step draws depends on the seed and its number alone: a resumed run repeats an unbroken one."""
        step = self.global_step * self.trainer.world_size + self.global_rank
        torch.manual_seed(self.config.seed * 1_000_003 + step)

    def training_step(self, batch: Sample, index: int) -> dict[str, Any]:
        image = batch["image"].float().contiguous(memory_format=torch.channels_last)
        outputs = self._outputs(image, batch["draw"])
        parts = self.loss_parts(outputs, batch)
        if self._teacher:
            parts["keep_imagenet"] = self.config.keep_imagenet * self._distance_to_imagenet(image, outputs["features"])
        loss = torch.stack(list(parts.values())).sum()
        finite = bool(torch.isfinite(loss))  # all processes stop, or those left would wait for the others for ever
        if not self.trainer.strategy.reduce_boolean_decision(finite, all=True):
            terms = ", ".join(f"{name} {value.item():.4g}" for name, value in parts.items())
            raise TrainingError(f"the loss is not finite at step {self.global_step} ({terms}); lower learning_rate")
        self.log_dict({f"loss/{name}": value.detach() for name, value in parts.items()})
        self.log("loss", loss.detach())
        return {"loss": loss, "parts": {name: value.detach() for name, value in parts.items()}}

    def on_train_epoch_start(self) -> None:
        if self.current_epoch % self.config.reuse_views == 0:
            self._maps.clear()

    def _outputs(self, image: Tensor, draws: Tensor) -> dict[str, Tensor]:
        """What the model gives; of views that come again the maps of a frozen encoder are kept, not computed anew."""
        if self.config.reuse_views == 1 or self.config.encoder_training != "frozen" or self.learns_classes:
            outputs: dict[str, Tensor] = self.model(image)
            return outputs
        numbers = draws.tolist()
        if new := [at for at, number in enumerate(numbers) if number not in self._maps]:
            levels = self.model.encoder(image[new])[0]
            self._maps |= {numbers[at]: [maps[i].half() for maps in levels] for i, at in enumerate(new)}
        levels = [torch.stack(views) for views in zip(*(self._maps[number] for number in numbers), strict=True)]
        maps = [level.float().contiguous(memory_format=torch.channels_last) for level in levels]
        return {"depth": self.model.decoder(maps)}

    def loss_parts(self, outputs: dict[str, Tensor], batch: Sample) -> dict[str, Tensor]:
        """The weighted terms of the loss by name; their sum is what is minimised."""
        config, target = self.config, batch["depth"]
        valid = (
            valid_mask(target, config.depth_range_m)
            if config.mask_missing
            else torch.ones_like(target, dtype=torch.bool)
        )
        pred = outputs["depth"].float()
        terms = depth_loss_parts(pred_m=pred, target_m=target, valid=valid, kind=config.depth_loss)
        if config.depth_loss == "paper":
            parts = {name: PAPER_WEIGHTS[name] * value for name, value in terms.items()}
        else:
            parts = {"error": terms["error"], "gradient": config.gradient_weight * terms["gradient"]}
            if config.ssim_weight > 0:
                data_range_m = config.depth_range_m[1] - config.depth_range_m[0]
                parts["ssim"] = config.ssim_weight * ssim_loss(pred, target, valid, data_range_m)
        if self.learns_classes:
            log_scores = outputs["class_log_scores"].float()
            parts["class"] = config.class_loss_weight * functional.nll_loss(log_scores, self._targets(batch["label"]))
        return parts

    def _targets(self, labels: Tensor) -> Tensor:
        """Class index with "none of these" as the last one."""
        return labels % (len(self.classes) + 1)

    def _distance_to_imagenet(self, image: Tensor, features: Tensor) -> Tensor:
        """How far the trained encoder's ImageNet probabilities are from the untrained one's: KL divergence.

        Li, Hoiem, "Learning without Forgetting", ECCV 2016.
        """
        with torch.no_grad():
            wanted = functional.log_softmax(self._teacher[0].classifier(self._teacher[0](image)[1]), dim=1)
        found = functional.log_softmax(self.model.encoder.classifier(features), dim=1)
        return functional.kl_div(found, wanted, log_target=True, reduction="batchmean")

    def validation_step(self, batch: Sample, index: int) -> None:
        outputs = self.model(batch["image"].float().contiguous(memory_format=torch.channels_last))
        low, high = self.config.depth_range_m
        pred = outputs["depth"].float().clamp(low, high).cpu().numpy()
        by_scan = self.config.sampling == "scans"  # as it is trained: a scan counts as much however long it is
        for pred_m, target_m, share in zip(pred, batch["depth"].cpu().numpy(), batch["share"].cpu(), strict=True):
            if scores := depth_scores(pred=pred_m, target=target_m):
                for name in DEPTH_METRICS:
                    self._depth_means()[name].update(scores[name], share if by_scan else 1.0)
        self.accuracy.update(outputs["class_log_scores"].argmax(dim=1), self._targets(batch["label"]))

    def _depth_means(self) -> dict[str, Metric]:
        return {name: metric for name, metric in self.depth_means.items() if isinstance(metric, Metric)}

    def on_validation_epoch_end(self) -> None:
        values = {name: metric.compute() for name, metric in self._depth_means().items()}
        if self.learns_classes:
            values["accuracy"] = self.accuracy.compute()
        for metric in (*self._depth_means().values(), self.accuracy):
            metric.reset()
        self.log_dict({f"validation/{name}": value for name, value in values.items()}, sync_dist=False)

    def configure_optimizers(self) -> Any:
        config = self.config
        encoder = [p for p in self.model.encoder.parameters() if p.requires_grad]
        rest = [p for name, p in self.model.named_parameters() if p.requires_grad and not name.startswith("encoder.")]
        groups: list[dict[str, Any]] = [{"params": rest, "lr": config.learning_rate}]
        if encoder:
            groups.append({"params": encoder, "lr": config.encoder_learning_rate})
        if config.optimizer == "adam_amsgrad":
            optimizer: torch.optim.Optimizer = torch.optim.Adam(groups, amsgrad=True)
        else:
            optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        if config.schedule == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        rates = [group["lr"] for group in groups]
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
