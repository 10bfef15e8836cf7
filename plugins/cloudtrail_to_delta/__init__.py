"""What the CloudTrail DAGs are made of: params contract, checks, operators, sensors, notifiers."""
