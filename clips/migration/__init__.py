"""Migration: files of the old service become the bytes of its clips, verified, with a receipt.

    scan the folder -> ledger <- rows of the catalogue
                         |
                       match -> plan -> N workers: read once, upload, verify
                                               |
                                    update rows, in batches -> ledger -> receipt

The command uses `run`; the API uses `jobs` and `batch`, on top of the same modules. State is kept
in storage and in the catalogue only: a run may die at any moment, and the next one does what is
missing. The ledger is deleted with its run.
"""
