"""The net and its update, which train, and the trained model, which predicts.

To read in this order:

* `params`: all parameters as one vector, cut into layers;
* `losses`: the losses that it can be trained with;
* `mlp`: the multilayer perceptron, in three passes;
* `layers`: a layer's part of each pass;
* `few_rows`, `narrow`: layers with ways of their own for minibatches of few rows; the second one has few outputs;
* `share`: the part of a model that one of several trainers computes;
* `learning_rate`, `optim`: the learning rate by step; SGD, Nesterov's momentum, Adam and AdamW;
* `own_model`: the interface of a user's own model, and the checks of one;
* `model_check`: check a user's own model, with `check_subject`, `gradient_check` and `differences`;
* `blueprints`: make the models of a job from its options;
* `model_file`: check what a saved model holds;
* `trained`: predict, save, load;
* `start`: begin training with a trained model, on new data;
* `bfloat16`: score and train in bfloat16, where the processor is faster at it.
"""
