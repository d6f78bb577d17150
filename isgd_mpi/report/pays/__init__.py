"""Say whether importance sampling pays, from the record that ``experiment pays`` keeps, ``pays.json``.

To read in this order:

* `record`: read pays.json, the only place where that is done;
* `comparison`: hold a method against uniform sampling, seed by seed: the statistics;
* `reasons`: name the reasons why a method does not pay;
* `answer`: the answer and its reasons in a sentence;
* `content`: what is written to outcome.json;
* `tables`: a row for each method, as text, CSV, Markdown and LaTeX;
* `methods_section`: state all that a paper's methods section must state;
* `figures`: draw; only this needs Matplotlib;
* `page`: render the HTML page;
* `write`: write page, tables and outcome into the folder of the experiment.

The names of methods are the record's: the same code reports on any methods that are compared with uniform sampling.
"""
