"""Calls, replies, and the form in which each AWS service writes its errors."""
