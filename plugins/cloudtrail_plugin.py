"""For a copied `plugins/` folder: the module that Airflow's plugin loader finds there."""

from cloudtrail_to_delta.plugin import CloudTrailPlugin

__all__ = ["CloudTrailPlugin"]
