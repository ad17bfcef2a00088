"""The whole river: data, activations, ranking, plan, training, twins, verdict, report; `fit.py` is the picture as one file."""
