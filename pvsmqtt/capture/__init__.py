"""Recordings of a line: written so that they can be framed again, read whatever program wrote them.

=============  ===================================================================================
`items`        what a recording is made of: header, chunks, events; and why one cannot be read
`raw`          our own format: JSON lines, one for each chunk as it was received
`pcap`         packets for Wireshark: link types 147 and 250
`reading`      any of these, or bare bytes: which one it is, and what is in it
`replaying`    a recording -> frames, with their requests, and register images
`segments`     bytes -> frames and what lies between them, in order and complete
`serials`      what looks like the serial number of somebody's equipment
`anonymise`    frames and junk without serial numbers, each with a CRC that is right again
`rotate`       files of a limited size, written in batches
`recorder`     all of this together: bytes of a line in, a recording out
=============  ===================================================================================
"""

from pvsmqtt.capture.items import CaptureError, Chunk, Event
from pvsmqtt.capture.reading import Recording, read

__all__ = ["CaptureError", "Chunk", "Event", "Recording", "read"]
