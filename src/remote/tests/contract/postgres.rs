//! PostgreSQL with pgvector: another engine in the network, for the vectors.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use postgres::types::ToSql;
use postgres::{Client, NoTls};
use semihv_remote::{Among, PoolError, Row, Scored, VectorPools, Wanted};
use semihv_vectors::{Fingerprint, Fused, Parts, VectorError};

use crate::peers;
use crate::samples::{DIM, POOLS, Peer, Rows, fingerprint};

/// The server; it ends with the pipe that this process holds.
pub(crate) struct Postgres {
    uri: &'static str,
}

impl Postgres {
    pub(crate) fn shared() -> Option<Self> {
        static SERVER: OnceLock<Option<(Child, String)>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            let python = peers::python("pg0")?;
            let mut child = Command::new(python)
                .arg(peers::script("postgres.py"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut uri = String::new();
            BufReader::new(child.stdout.take().unwrap())
                .read_line(&mut uri)
                .unwrap();
            if uri.trim().is_empty() {
                let _ = child.wait();
                return peers::missing("a PostgreSQL that starts");
            }
            Some((child, uri.trim().to_owned()))
        });
        server.as_ref().map(|(_, uri)| Self { uri })
    }
}

impl Peer for Postgres {
    fn vectors(&self, rows: &Rows) -> Box<dyn VectorPools> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let table = format!("rows{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut client = Client::connect(self.uri, NoTls).unwrap();
        let made = format!(
            "CREATE TABLE {table} (pool text, key bigint, content_hash bigint, fused vector({DIM}),
                 text_part real[], image_part real[], licence text, case_id bigint, patient_id text,
                 PRIMARY KEY (pool, key))"
        );
        client.batch_execute(&made).unwrap();
        let served = Table {
            name: table,
            client: Mutex::new(client),
        };
        for pool in POOLS {
            let rows = rows.iter().filter(|(of, _)| *of == pool);
            served
                .append(pool, &rows.map(|(_, row)| row.clone()).collect::<Vec<_>>())
                .unwrap();
        }
        Box::new(served)
    }
}

struct Table {
    name: String,
    client: Mutex<Client>,
}

/// As pgvector reads it.
fn written(vector: &Fused) -> String {
    format!("{:?}", vector.as_slice())
}

impl Table {
    fn rows_of(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<postgres::Row>, PoolError> {
        let sql = sql.replace("TABLE", &self.name);
        self.client
            .lock()
            .unwrap()
            .query(&sql, values)
            .map_err(PoolError::engine)
    }
}

fn known(pool: &str) -> Result<(), PoolError> {
    if POOLS.contains(&pool) {
        return Ok(());
    }
    let known = POOLS.join(", ");
    Err(PoolError::NoPool {
        pool: pool.to_owned(),
        known,
    })
}

impl VectorPools for Table {
    fn generation(&self) -> u64 {
        1
    }

    fn fingerprint(&self) -> Fingerprint {
        fingerprint()
    }

    fn pools(&self) -> Vec<String> {
        POOLS.map(str::to_owned).into()
    }

    fn rows(&self, pool: &str) -> Result<u64, PoolError> {
        known(pool)?;
        let counted = self.rows_of("SELECT count(*) FROM TABLE WHERE pool = $1", &[&pool])?;
        Ok(counted[0].get::<_, i64>(0) as u64)
    }

    fn nearest(
        &self,
        pool: &str,
        query: &[f32],
        wanted: &Wanted,
    ) -> Result<Vec<Scored>, PoolError> {
        known(pool)?;
        let (found, expected) = (query.len(), DIM as usize);
        if found != expected {
            return Err(PoolError::Query(VectorError::Dimension { found, expected }));
        }
        let query = written(&Fused::of(query).map_err(PoolError::Query)?);
        let sql = "SELECT key, case_id, -(fused <#> $1::text::vector) FROM TABLE
            WHERE pool = $2
                AND (cardinality($3::text[]) = 0 OR licence = ANY($3))
                AND (case_id IS NULL OR case_id <> ALL($4::bigint[]))
                AND (patient_id IS NULL OR patient_id <> ALL($5::text[]))
                AND key <> ALL($6::bigint[])
                AND ($8::bigint[] IS NULL OR key = ANY($8))
                AND ($9::bigint[] IS NULL OR case_id = ANY($9))
            ORDER BY fused <#> $1::text::vector, key LIMIT $7";
        let barred = &wanted.barred;
        let k = wanted.k as i64;
        let (keys, cases) = match &wanted.among {
            None => (None, None),
            Some(Among::Keys(keys)) => (Some(keys), None),
            Some(Among::Cases(cases)) => (None, Some(cases)),
        };
        let values: [&(dyn ToSql + Sync); 9] = [
            &query,
            &pool,
            &wanted.licences,
            &barred.cases,
            &barred.patients,
            &barred.keys,
            &k,
            &keys,
            &cases,
        ];
        let found = self.rows_of(sql, &values)?;
        let scored = found.iter().map(|row| Scored {
            key: row.get(0),
            case: row.get(1),
            score: row.get::<_, f64>(2) as f32,
            source: String::new(),
            name: Vec::new(),
        });
        Ok(scored.collect())
    }

    fn parts(&self, pool: &str, keys: &[i64]) -> Result<HashMap<i64, Parts>, PoolError> {
        known(pool)?;
        let sql = "SELECT key, text_part, image_part FROM TABLE WHERE pool = $1 AND key = ANY($2)";
        let found = self.rows_of(sql, &[&pool, &keys])?;
        let parts = found.iter().map(|row| {
            (
                row.get(0),
                Parts {
                    text: row.get(1),
                    image: row.get(2),
                },
            )
        });
        Ok(parts.collect())
    }

    fn content_hashes(&self, pool: &str) -> Result<HashMap<i64, u64>, PoolError> {
        known(pool)?;
        let found = self.rows_of(
            "SELECT key, content_hash FROM TABLE WHERE pool = $1",
            &[&pool],
        )?;
        Ok(found
            .iter()
            .map(|row| (row.get(0), row.get::<_, i64>(1) as u64))
            .collect())
    }

    fn append(&self, pool: &str, rows: &[Row]) -> Result<(), PoolError> {
        known(pool)?;
        let vectors = rows.iter().map(|row| row.fused(DIM));
        let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
        let sql = format!(
            "INSERT INTO {} VALUES ($1, $2, $3, $4::text::vector, $5, $6, $7, $8, $9)
             ON CONFLICT (pool, key) DO UPDATE SET content_hash = EXCLUDED.content_hash, fused = EXCLUDED.fused,
                 text_part = EXCLUDED.text_part, image_part = EXCLUDED.image_part, licence = EXCLUDED.licence,
                 case_id = EXCLUDED.case_id, patient_id = EXCLUDED.patient_id",
            self.name
        );
        let mut client = self.client.lock().unwrap();
        let mut change = client.transaction().map_err(PoolError::engine)?;
        let statement = change.prepare(&sql).map_err(PoolError::engine)?;
        for (row, vector) in rows.iter().zip(vectors) {
            let Some(vector) = vector else { continue };
            let facets = &row.facets;
            let hash = row.content_hash as i64;
            let values: [&(dyn ToSql + Sync); 9] = [
                &pool,
                &row.key,
                &hash,
                &written(&vector),
                &row.text,
                &row.image,
                &facets.licence,
                &facets.case,
                &facets.patient,
            ];
            change
                .execute(&statement, &values)
                .map_err(PoolError::engine)?;
        }
        change.commit().map_err(PoolError::engine)
    }

    fn erase(&self, pool: &str, keys: &[i64]) -> Result<(), PoolError> {
        known(pool)?;
        self.rows_of(
            "DELETE FROM TABLE WHERE pool = $1 AND key = ANY($2)",
            &[&pool, &keys],
        )?;
        Ok(())
    }
}
