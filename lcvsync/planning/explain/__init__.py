"""What becomes of an article or a promotion, and why (design 3.5): the plan, told.

Nothing is decided here: `plan_article` decides, on the same facts. What the shop has now is told beside it.
"""
