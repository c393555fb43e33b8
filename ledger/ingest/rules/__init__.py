"""The judgement of evidence: rules over rows and series, actions, scale. Pure."""
