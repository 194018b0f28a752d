"""Tables in, tables out: overfitting, effects, verdicts and what they rest on."""
