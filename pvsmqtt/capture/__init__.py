"""Recordings of a line, which we write, and captures of a network: read whatever program wrote them.

=============  ===================================================================================
`items`        what a recording is made of: header, chunks, events; and why one cannot be read
`raw`          our own format: JSON lines, one for each chunk as it was received
`pcap`         packets: of a line for Wireshark (link types 147 and 250), of a network as tcpdump writes them
`reading`      any of these, or bare bytes: which one it is, and what is in it
`replaying`    a recording -> frames, with their requests, and register images
`segments`     bytes -> frames and what lies between them, in order and complete
`serials`      what looks like the serial number of somebody's equipment
`anonymise`    frames and junk without serial numbers, each with a CRC that is right again
`rotate`       files of a limited size, written in batches
`link`         what stands before an IP packet, for each link type
`segment`      IP packets -> TCP segments
`flow`         one direction of a TCP connection: segments in any order -> bytes in theirs, and gaps
`connection`   a connection between a Modbus client and its server: requests with their answers
`mirror`       packets of a network -> what is said on all Modbus connections
`recorder`     all of this together: bytes of a line in, a recording out
=============  ===================================================================================
"""

from pvsmqtt.capture.items import CaptureError, Chunk, Event
from pvsmqtt.capture.reading import Recording, read

__all__ = ["CaptureError", "Chunk", "Event", "Recording", "read"]
