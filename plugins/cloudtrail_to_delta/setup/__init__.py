"""Everything the guide has a person click, as resources that are read, planned, applied and removed.

resources   what a resource is: read, wanted, apply, remove
facts       what is known of a resource only once it is there, and its place in documents until then
plan        the difference between what is there and what is wanted, as a person reviews it
planning    resources → plan, for setting up and for removing
applying    plan → world, refused when the world has changed, resumed where it was interrupted
refusals    which call on which resource was refused, and the permission that is missing
"""
