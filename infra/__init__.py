"""Deploys Cliplink to Azure: the template, and the programs that azd's hooks run."""
