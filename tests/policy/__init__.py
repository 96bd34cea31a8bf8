"""The policies of deployments/, judged by an evaluator that knows nothing of us."""
