"""Requests are checked against botocore's own models before anything answers them.

boto3 checks at the client what other clients only learn from the service: unknown and missing
parameters, numbers that are none, words outside of a list. `check` is the way in; `ec2_query`,
`json_body` and `s3_rest` know one protocol each.
"""
