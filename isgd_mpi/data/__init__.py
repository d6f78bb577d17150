"""Where data sets come from: folders, formats, what each set is made of, and the cache of converted data."""
