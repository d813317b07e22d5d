//! SQLite: one table, a connection for each thread.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Subject, Topics, Writer};
use rusqlite::{Connection, params};

use crate::positions;

/// With a write-ahead log that every commit syncs.
pub const PEER: Candidate = Candidate {
    name: "sqlite",
    package: Some("rusqlite"),
    setting: "journal_mode WAL, synchronous FULL, a transaction an append, for W4 and R5 one for all; no checksums",
    workloads: positions::ALL,
    open: |folder, _| Ok(Box::new(Sqlite::open(folder)?)),
};

const INSERT: &str = "INSERT INTO events (topic, payload) VALUES (?1, ?2)";

struct Sqlite {
    path: PathBuf,
    /// Open as long as the store is: else the log would be folded into the table whenever a thread ends.
    shared: Mutex<Connection>,
}

impl Sqlite {
    fn open(folder: &Path) -> Result<Sqlite> {
        let path = folder.join("events.sqlite");
        let connection = connect(&path)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, topic INTEGER, payload BLOB)",
        )?;
        Ok(Sqlite { path, shared: Mutex::new(connection) })
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(60))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

impl Subject for Sqlite {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(InTable(connect(&self.path)?)))
    }

    fn topics(&self, _: usize) -> Result<Box<dyn Topics + '_>> {
        Ok(Box::new(InTable(connect(&self.path)?)))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let connection = connect(&self.path)?;
        let mut statement = connection.prepare("SELECT payload FROM events ORDER BY position")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(row.get_ref(0)?.as_blob()?);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(InTable(connect(&self.path)?)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let connection = self.shared.lock().map_err(|_| "another thread panicked")?;
        let mut statement =
            connection.prepare_cached("SELECT payload FROM events ORDER BY position DESC LIMIT 1")?;
        statement.query_row([], |row| {
            visit(row.get_ref(0)?.as_blob()?);
            Ok(())
        })?;
        Ok(())
    }
}

struct InTable(Connection);

impl InTable {
    fn insert(&mut self, topic: usize, payload: &[u8]) -> Result<()> {
        self.0.prepare_cached(INSERT)?.execute(params![topic as i64, payload])?;
        Ok(())
    }

    /// Opens a transaction where none is open.
    fn begin(&mut self) -> Result<()> {
        if self.0.is_autocommit() {
            self.0.execute_batch("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        Ok(self.0.execute_batch("COMMIT")?)
    }
}

impl Writer for InTable {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.insert(0, payload)
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        self.begin()?;
        for payload in payloads {
            self.insert(0, payload)?;
        }
        self.commit()
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.begin()?;
        self.insert(0, payload)
    }

    fn flush(&mut self) -> Result<()> {
        self.commit()
    }
}

impl Topics for InTable {
    fn append(&mut self, topic: usize, payload: &[u8]) -> Result<()> {
        self.begin()?;
        self.insert(topic, payload)
    }

    fn flush(&mut self) -> Result<()> {
        self.commit()
    }

    fn count(&mut self) -> Result<u64> {
        Ok(self.0.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0))? as u64)
    }
}

impl Picker for InTable {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        // Keys that SQLite gives begin at 1.
        let mut statement = self.0.prepare_cached("SELECT payload FROM events WHERE position = ?1")?;
        statement.query_row([position as i64 + 1], |row| {
            visit(row.get_ref(0)?.as_blob()?);
            Ok(())
        })?;
        Ok(())
    }
}
