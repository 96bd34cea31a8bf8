"""Checks the parameters of a request against botocore's models before it is answered.

boto3 checks in the client what other clients leave to the service: unknown and missing parameters,
malformed numbers, values outside of an enum. `ec2_query`, `json_body` and `s3_rest` each check a
protocol.
"""
