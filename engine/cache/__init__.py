"""Caches: the one live cache class, and the policies that the trainer compares and beats."""

from __future__ import annotations

POLICIES: dict[str, str] = {
    "lru": "engine.cache.lru:LRU",
    "fifo": "engine.cache.fifo:FIFO",
    "lfu": "engine.cache.lfu:LFU",
    "slru": "engine.cache.slru:SLRU",
    "2q": "engine.cache.twoqueue:TwoQueue",
    "mq": "engine.cache.mq:MQ",
    "arc": "engine.cache.arc:ARC",
    "lirs": "engine.cache.lirs:LIRS",
    "s3-fifo": "engine.cache.s3fifo:S3FIFO",
    "clock2q+": "engine.cache.clock2qplus:Clock2QPlus",
    "sieve": "engine.cache.sieve:Sieve",
    "w-tinylfu-1": "engine.cache.wtinylfu:WTinyLFU1",
    "w-tinylfu-10": "engine.cache.wtinylfu:WTinyLFU10",
    "w-tinylfu-20": "engine.cache.wtinylfu:WTinyLFU20",
    "w-tinylfu-adaptive": "engine.cache.wtinylfu:WTinyLFUAdaptive",
    "gdsf": "engine.cache.gdsf:GDSF",
    "gdsf-cost": "engine.cache.gdsf:GDSFCost",
    "hyperbolic": "engine.cache.hyperbolic:Hyperbolic",
    "lhd": "engine.cache.lhd:LHD",
    "never": "engine.cache.always:Never",
    "always": "engine.cache.always:Always",
    "belady": "engine.cache.belady:Belady",
    "belady-value": "engine.cache.beladyvalue:BeladyValue",
}
"""Eviction policies by name -> the class (`engine.cache.base.Policy`)."""
