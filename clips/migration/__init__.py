"""Moving in: files become clips of rows that wait for them, verified, and a receipt is written.

    scan the folder -> ledger <- rows of the catalogue
                         |
                       match -> items -> N workers: read once, upload, verify
                                              |
                                    switch rows, in batches -> ledger -> receipt

State is in storage and in the catalogue, nowhere else: a run may die at any moment, and the next
one does what is missing. The ledger is a run's own and goes with it.
"""
