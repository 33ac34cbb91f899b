-- Dumped from a history that nocarrier 0.1.0 wrote before findings had texts and actions of values.
-- The program of its second run was killed while findings were active.
BEGIN TRANSACTION;
CREATE TABLE event (
  id         INTEGER PRIMARY KEY,
  run        INTEGER NOT NULL,
  seq        INTEGER NOT NULL,            -- gapless in a run; a number that is missing was lost
  at_unix    REAL NOT NULL,
  kind       TEXT NOT NULL,               -- started, succeeded, failure, cancelled, skip, disconnect
  source     TEXT NOT NULL,
  phase      TEXT,
  reason     TEXT,
  blame      TEXT,
  addr       TEXT NOT NULL,
  via        TEXT,
  dial_id    INTEGER,
  duration_s REAL,
  detail     TEXT,
  node_id    TEXT,
  penalised  INTEGER NOT NULL,
  more       TEXT                         -- JSON: attempts, evidence, phases_s; NULL where all are empty
) STRICT;
INSERT INTO "event" VALUES(1,1,1,1.76726880000299978257e+09,'failure','seed','connect','connection_refused','unknown','203.0.113.1:7072',NULL,NULL,NULL,NULL,NULL,1,NULL);
INSERT INTO "event" VALUES(2,1,2,1.76726880000399971014e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.1:7072','192.0.2.1:7072',1,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(3,1,3,1.76726880000499963758e+09,'succeeded','gossip','session',NULL,'none','198.51.100.1:7072','192.0.2.1:7072',1,9.99927520751953125e-04,NULL,'abababababababababababababababababababababababababababababababab',0,NULL);
INSERT INTO "event" VALUES(4,1,4,1.76726880000599956515e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.2:7072','192.0.2.1:7072',2,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(5,1,5,1.7672688000069994926e+09,'failure','gossip','connect','timeout','path','198.51.100.2:7072','192.0.2.1:7072',2,9.99927520751953125e-04,'no answer from 198.51.100.2',NULL,1,'{"evidence":{"syn_retransmits":3}}');
INSERT INTO "event" VALUES(6,1,6,1.76726880000799942017e+09,'failure','seed','connect','connection_refused','unknown','203.0.113.3:7072',NULL,NULL,NULL,NULL,NULL,1,NULL);
INSERT INTO "event" VALUES(7,1,7,1.76726880000899934765e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.3:7072','192.0.2.1:7072',3,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(8,1,8,1.76726880000999927522e+09,'succeeded','gossip','session',NULL,'none','198.51.100.3:7072','192.0.2.1:7072',3,9.99927520751953125e-04,NULL,'abababababababababababababababababababababababababababababababab',0,NULL);
INSERT INTO "event" VALUES(9,1,9,1.76726880001099920271e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.4:7072','192.0.2.1:7072',4,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(10,1,10,1.76726880001199913028e+09,'failure','gossip','connect','timeout','path','198.51.100.4:7072','192.0.2.1:7072',4,9.99927520751953125e-04,'no answer from 198.51.100.4',NULL,1,'{"evidence":{"syn_retransmits":3}}');
INSERT INTO "event" VALUES(11,2,1,1.76726945002399826048e+09,'failure','seed','connect','connection_refused','unknown','203.0.113.11:7072',NULL,NULL,NULL,NULL,NULL,1,NULL);
INSERT INTO "event" VALUES(12,2,2,1.76726945002499818797e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.11:7072','192.0.2.1:7072',1,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(13,2,3,1.76726945002599811554e+09,'succeeded','gossip','session',NULL,'none','198.51.100.11:7072','192.0.2.1:7072',1,9.99927520751953125e-04,NULL,'abababababababababababababababababababababababababababababababab',0,NULL);
INSERT INTO "event" VALUES(14,2,4,1.76726945002699804302e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.12:7072','192.0.2.1:7072',2,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(15,2,5,1.7672694500279979706e+09,'failure','gossip','connect','timeout','path','198.51.100.12:7072','192.0.2.1:7072',2,9.99927520751953125e-04,'no answer from 198.51.100.12',NULL,1,'{"evidence":{"syn_retransmits":3}}');
INSERT INTO "event" VALUES(16,2,6,1.76726945002899789817e+09,'failure','seed','connect','connection_refused','unknown','203.0.113.13:7072',NULL,NULL,NULL,NULL,NULL,1,NULL);
INSERT INTO "event" VALUES(17,2,7,1.76726945002999782561e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.13:7072','192.0.2.1:7072',3,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(18,2,8,1.76726945003099775318e+09,'succeeded','gossip','session',NULL,'none','198.51.100.13:7072','192.0.2.1:7072',3,9.99927520751953125e-04,NULL,'abababababababababababababababababababababababababababababababab',0,NULL);
INSERT INTO "event" VALUES(19,2,9,1.76726945003199768062e+09,'started','gossip',NULL,NULL,NULL,'198.51.100.14:7072','192.0.2.1:7072',4,NULL,NULL,NULL,0,NULL);
INSERT INTO "event" VALUES(20,2,10,1.76726945003299760819e+09,'failure','gossip','connect','timeout','path','198.51.100.14:7072','192.0.2.1:7072',4,9.99927520751953125e-04,'no answer from 198.51.100.14',NULL,1,'{"evidence":{"syn_retransmits":3}}');
CREATE TABLE finding (
  id             INTEGER PRIMARY KEY,
  run            INTEGER NOT NULL,
  code           TEXT NOT NULL,
  began_unix     REAL NOT NULL,
  ended_unix     REAL,                    -- NULL: it stands
  ended_by       TEXT,                    -- cleared, stopped, crashed
  worst_severity TEXT NOT NULL,
  finding        TEXT NOT NULL            -- JSON, as it was when it last changed
) STRICT;
INSERT INTO "finding" VALUES(1,1,'seeds_down',1.76726880001399898529e+09,1.76726890001699876785e+09,'cleared','critical','{"code":"seeds_down","title":"Seeds do not answer","severity":"critical","blame":"them","summary":"All 3 seeds that were dialed are down (seed-a.example:7072, 203.0.113.2:7072, seed-c:7072), while the network works.","confidence":0.93,"evidence":[{"statement":"seeds that end with connection_refused","count":3,"addrs":["seed-a.example:7072","203.0.113.2:7072","seed-c:7072"],"event_ids":[10,11,12]},{"statement":"the network answers our dials","count":1,"addrs":[],"event_ids":[]}],"affected_peers":3,"affected_dials":6,"next_actions":["Tell who runs the seeds, seed-a.example:7072 for one; ask for the present list.","Name other seeds: seeds = [\"HOST:7072\", ...] under [node]; or dial any peer you know: nocarrier connect HOST:7072"],"since_unix":1767268800.013999,"hides":["peer_down"]}');
INSERT INTO "finding" VALUES(2,1,'seeds_misconfigured',1.76726890001599884027e+09,1.76726895001899862291e+09,'cleared','warning','{"code":"seeds_misconfigured","title":"The seed list holds addresses that cannot be dialed","severity":"warning","blame":"us","summary":"1 of 2 seeds cannot be dialed as configured: 192.168.1.5:7072.","confidence":0.99,"evidence":[{"statement":"seeds that are private","count":1,"addrs":["192.168.1.5:7072"],"event_ids":[]}],"affected_peers":1,"affected_dials":0,"next_actions":["Use public addresses in seeds instead of 192.168.1.5:7072; in a network of your own allow it: allow_networks = [\"NETWORK/PREFIX\"] or lan_mode = true under [node]."],"since_unix":1767268900.0159988,"hides":[]}');
INSERT INTO "finding" VALUES(3,1,'private_addresses_gossiped',1.76726890001599884027e+09,1.76726895001899862291e+09,'cleared','warning','{"code":"private_addresses_gossiped","title":"Peers behind NAT publish inside addresses","severity":"warning","blame":"them","summary":"1 peer told us 1 inside address that nobody outside can dial: 10.0.0.1:7072.","confidence":0.9,"evidence":[{"statement":"addresses of private or loopback networks, told by peers","count":1,"addrs":["10.0.0.1:7072"],"event_ids":[]},{"statement":"peers that told them","count":1,"addrs":["203.1.0.9:7072"],"event_ids":[]}],"affected_peers":1,"affected_dials":0,"next_actions":["Tell who runs the node at 10.0.0.1:7072 to set advertise = \"PUBLIC-ADDRESS:PORT\" under [node] and to forward that port.","If these peers share a network with you, allow it: allow_networks = [\"NETWORK/PREFIX\"] under [node].","It came from 203.1.0.9:7072: an updated node there does not pass such addresses on."],"since_unix":1767268900.0159988,"hides":[]}');
INSERT INTO "finding" VALUES(4,2,'peer_overloaded',1.76726945003499746325e+09,NULL,NULL,'info','{"code":"peer_overloaded","title":"TCP answers, the handshake does not","severity":"info","blame":"them","summary":"2 peers (nas:7072, 192.0.2.9:7072) take our connections and not our handshakes.","confidence":0.85,"evidence":[{"statement":"the connection stands and not a byte comes; our own event loop was on time","count":2,"addrs":["nas:7072","192.0.2.9:7072"],"event_ids":[10,11]}],"affected_peers":2,"affected_dials":2,"next_actions":["Ask who runs nas:7072 whether its process hangs or has no CPU left: a node of ours shows it at /api/p2p/diagnosis.","If the peer is far away and busy, give it longer: handshake_attempt_s and handshake_window_s under [timing]."],"since_unix":1767269450.0349975,"hides":[]}');
INSERT INTO "finding" VALUES(5,2,'unexplained',1.76726945003499746325e+09,NULL,NULL,'info','{"code":"unexplained","title":"Failures that point to no common cause","severity":"info","blame":"unknown","summary":"1 peer fails for reasons that point to no common cause: dns_not_found 1.","confidence":0.5,"evidence":[{"statement":"The resolver answered: there is no such name, or it has no address.","count":1,"addrs":["192.0.2.7:7072"],"event_ids":[12]}],"affected_peers":1,"affected_dials":1,"next_actions":["Check the name with: getent ahosts NAME. Correct the seed list, or tell who runs the name.","Read more: nocarrier explain dns_not_found"],"since_unix":1767269450.0349975,"hides":[]}');
CREATE TABLE horizon (
  at_unix REAL NOT NULL
) STRICT;
INSERT INTO "horizon" VALUES(0.0);
CREATE TABLE hour (
  hour   INTEGER NOT NULL,                -- Unix seconds of its beginning
  kind   TEXT NOT NULL,
  source TEXT NOT NULL,
  phase  TEXT NOT NULL,
  reason TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (hour, kind, source, phase, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO "hour" VALUES(1767268800,'failure','gossip','connect','timeout',4);
INSERT INTO "hour" VALUES(1767268800,'failure','seed','connect','connection_refused',4);
INSERT INTO "hour" VALUES(1767268800,'started','gossip','','',8);
INSERT INTO "hour" VALUES(1767268800,'succeeded','gossip','session','',4);
CREATE TABLE minute (
  minute INTEGER NOT NULL,                -- Unix seconds of its beginning
  kind   TEXT NOT NULL,
  source TEXT NOT NULL,
  phase  TEXT NOT NULL,                   -- '' where an event has none, as for reason
  reason TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (minute, kind, source, phase, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO "minute" VALUES(1767268800,'failure','gossip','connect','timeout',2);
INSERT INTO "minute" VALUES(1767268800,'failure','seed','connect','connection_refused',2);
INSERT INTO "minute" VALUES(1767268800,'started','gossip','','',4);
INSERT INTO "minute" VALUES(1767268800,'succeeded','gossip','session','',2);
INSERT INTO "minute" VALUES(1767269400,'failure','gossip','connect','timeout',2);
INSERT INTO "minute" VALUES(1767269400,'failure','seed','connect','connection_refused',2);
INSERT INTO "minute" VALUES(1767269400,'started','gossip','','',4);
INSERT INTO "minute" VALUES(1767269400,'succeeded','gossip','session','',2);
CREATE TABLE run (
  id           INTEGER PRIMARY KEY,
  started_unix REAL NOT NULL,
  seen_unix    REAL NOT NULL,             -- when it was last known to run
  stopped_unix REAL,                      -- NULL: it runs, or ended without a word
  version      TEXT NOT NULL
) STRICT;
INSERT INTO "run" VALUES(1,1.76726880001299905772e+09,1.76726895002099847796e+09,1.76726895002099847796e+09,'test');
INSERT INTO "run" VALUES(2,1.76726945003399753568e+09,1.7672694500369973183e+09,NULL,'test');
CREATE INDEX event_by_time   ON event (at_unix);
CREATE INDEX event_by_addr   ON event (addr, at_unix);
CREATE INDEX event_by_reason ON event (reason, at_unix) WHERE reason IS NOT NULL;
CREATE INDEX event_by_via    ON event (via, at_unix) WHERE via IS NOT NULL;
CREATE INDEX finding_by_beginning ON finding (began_unix);
CREATE INDEX finding_that_stands  ON finding (id) WHERE ended_unix IS NULL;
COMMIT;
PRAGMA user_version = 2;
