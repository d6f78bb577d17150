"""Tables of words and numbers: CSV and Parquet files become features and targets. Needs the extra `tables`.

To read in this order:

* `files`: read a file batch by batch, in bounded memory;
* `survey`: look at every column once: numbers, words, what is missing;
* `target_columns`: choose what the columns to predict are, and read them;
* `encoding`: turn columns into features, the same way for training and for predictions;
* `weight_column`: the weights of the rows;
* `read`: a file as the source of a data set.
"""
