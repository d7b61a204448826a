-- A table of one's own, as many programs keep one: read as it is, never written.
CREATE TABLE visits (
  visit      BIGINT AUTO_INCREMENT PRIMARY KEY,
  happened   DATETIME(3) NOT NULL,
  address    VARCHAR(200) NOT NULL,
  took       DOUBLE NOT NULL,          -- milliseconds
  bytes_sent INT NOT NULL,
  from_cache VARCHAR(4) NOT NULL,      -- 'hit' or 'miss'
  KEY visits_by_time (happened)        -- lets the collector follow without reading everything
);
-- A user who can do no more than read:
CREATE USER IF NOT EXISTS 'cachescope_reader'@'%' IDENTIFIED BY 'choose-one';
GRANT SELECT ON visits TO 'cachescope_reader'@'%';
