"""`main --ticker …`: the main job."""
