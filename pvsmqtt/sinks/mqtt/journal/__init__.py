"""The journal: every accepted reading reaches the broker, whatever happens to Wi-Fi, broker, process or power.

    house --> flow --> journal: numbered, written ahead --> sender: published in order, QoS 1 --> PUBACK --> removed

`journal` numbers what comes and writes it, before it is published, as one row for each batch (`batch`), into SQLite
(`store`). `sender` publishes over one connection, in order, what was not acknowledged yet; what waited goes at a
bounded rate. Rows are removed together with the next batch that is written, so that steady work costs one write for
a batch, not two.

What kill -9 does: a reading that was accepted less than about a second before (and not written yet) is gone; all
else is published. What was acknowledged less than a minute before may be published once more, under the same number.
What a power cut does: the same with what the kernel had not written (``synchronous=NORMAL``; Linux writes within 30 s
or so). Waiting for the disk at each batch would wear an SD card for the sake of these seconds.

Numbers: a *stream* has a random id, and numbers rise by one for each reading. The stream on disk goes on over
restarts. Where the disk refuses, readings are kept in memory as part of another stream with an id of its own: what is
not on disk must not use up numbers that a restart would give away again.
"""
