"""What the interface's calls take and give, as types: the OpenAPI document is made from them.

They are told, not enforced: handlers check what comes in and say what is wrong. Tests compare both
ways: every request that is taken and every answer is of its declared shape, and what is not of the
shape is refused.
"""
