"""What moto's CloudTrail lacks: checks of policies and selectors, other accounts' buckets, Insights, ARNs."""
