"""Addresses of blobs in events: read as Microsoft's extension was seen to read them."""

import pytest

from local.host.blob_addresses import container_and_name


@pytest.mark.parametrize(
    ("address", "container", "name"),
    [
        ("https://a.blob.core.windows.net/c/plain.mp4", "c", "plain.mp4"),
        ("https://a.blob.core.windows.net/c/sp%20ace.mp4", "c", "sp ace.mp4"),
        ("https://a.blob.core.windows.net/c/sp ace.mp4", "c", "sp ace.mp4"),
        ("https://a.blob.core.windows.net/c/pl+us%2B.mp4", "c", "pl+us+.mp4"),
        ("https://a.blob.core.windows.net/c/per%2520cent.mp4", "c", "per%20cent.mp4"),
        ("https://a.blob.core.windows.net/c/per%cent.mp4", "c", "per%cent.mp4"),
        ("https://a.blob.core.windows.net/c/ha%23sh#.mp4", "c", "ha#sh#.mp4"),
        ("https://a.blob.core.windows.net/c/qu%3Fest?x=y.mp4", "c", "qu?est"),
        ("https://a.blob.core.windows.net/c/uml%C3%A4ut-ä.mp4", "c", "umläut-ä.mp4"),
        ("https://a.blob.core.windows.net/c/a%2Fb//c.mp4", "c", "a/b//c.mp4"),
        ("https://a.blob.core.windows.net/c//lead.mp4", "c", "lead.mp4"),
        ("https://a.blob.core.windows.net/c/trail/", "c", "trail"),
        ("https://a.blob.core.windows.net/c/v/../dots.mp4", "c", "dots.mp4"),
        ("https://a.blob.core.windows.net/c/v/./dot.mp4", "c", "v/dot.mp4"),
        ("https://a.blob.core.windows.net/c/v%2F..%2Fw.mp4", "c", "v/../w.mp4"),
        ("https://a.blob.core.windows.net/c/enddot.", "c", "enddot."),
        ("https://a.blob.core.windows.net/c/back%5Cslash.mp4", "c", "back\\slash.mp4"),
        ("https://a.blob.core.windows.net/c/back\\slash.mp4", "c", "back/slash.mp4"),
        ("https://a.blob.core.windows.net/c/new%0Aline.mp4", "c", "new\nline.mp4"),
        ("https://A.blob.core.windows.net/C/UPPER.MP4", "C", "UPPER.MP4"),
        ("https://a.blob.core.windows.net:443/c/port.mp4", "c", "port.mp4"),
        ("https://a.blob.core.windows.net/inroot.mp4", "inroot.mp4", ""),
        ("https://a.dfs.core.windows.net/c/x.mp4", "c", "x.mp4"),
        ("http://127.0.0.1:31000/devstoreaccount1/c/ip.mp4", "c", "ip.mp4"),
        ("http://[::1]:31000/devstoreaccount1/c/ip.mp4", "c", "ip.mp4"),
        ("http://azurite:10000/devstoreaccount1/c/named.mp4", "c", "named.mp4"),
        ("http://localhost:31000/devstoreaccount1/c/x.mp4", "devstoreaccount1", "c/x.mp4"),
    ],
)
def test_address_names_a_container_and_a_blob(address: str, container: str, name: str) -> None:
    assert container_and_name(address) == (container, name)


@pytest.mark.parametrize("address", ["c/relative.mp4", "", "ftp://a/c/x.mp4"])
def test_relative_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="no absolute address"):
        container_and_name(address)
