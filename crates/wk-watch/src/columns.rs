//! Events into the lake's columns.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::ArrowError;
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::signal::Sample;
use wk_model::table::ColumnType;
use wk_model::{Row, Table, Timestamp};
use wk_seam::schema::{self, UTC};

use crate::shared_fields;
use crate::stateful::packed::Event;

/// Rows of one table, growing column by column.
pub struct TableBuilder {
    table: &'static Table,
    core: Core,
    own: Vec<Builder>,
    first: Timestamp,
    last: Timestamp,
    rows: usize,
    bytes: usize,
}

/// What the machinery knows of a row besides the row.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// When the object or envelope was written.
    pub delivered: Timestamp,
    /// When it was read.
    pub received: Timestamp,
    /// First 16 digits of the object's identity.
    pub object: &'a str,
    /// Place of the record in its object, from 0.
    pub ordinal: u64,
}

/// A text of a finished batch; `None` where it is null or there is no such text column.
pub fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_any().downcast_ref::<StringArray>()?;
    (!texts.is_null(row)).then(|| texts.value(row))
}

/// A row of a finished batch, as rules see it: identity and JSON parts are left out.
pub fn row<'a>(table: &'static Table, batch: &'a RecordBatch, place: usize) -> Row<'a> {
    Rows::of(table, batch).row(place)
}

/// The rows of a finished batch, or of some columns of it: columns are looked up once.
pub struct Rows<'a> {
    table: &'static Table,
    batch: &'a RecordBatch,
    raw: Option<&'a StringArray>,
    /// What means the same everywhere, in the order of its names.
    core: [Option<&'a StringArray>; shared_fields::NAMES.len()],
    /// Places of the table's columns that are there.
    cells: Vec<(usize, Cells<'a>)>,
    resources: Option<(&'a ListArray, &'a StringArray)>,
}

/// A column of one type.
enum Cells<'a> {
    Texts(&'a StringArray),
    Ints(&'a Int64Array),
    Floats(&'a Float64Array),
    Bools(&'a BooleanArray),
    Times(&'a TimestampMicrosecondArray),
}

impl<'a> Rows<'a> {
    /// The rows of a batch of this table.
    pub fn of(table: &'static Table, batch: &'a RecordBatch) -> Self {
        let texts = |name: &str| column::<StringArray>(batch, name);
        let cells = table.columns.iter().enumerate();
        let cells = cells.filter_map(|(place, of)| Some((place, Cells::of(batch, of.name)?)));
        let lists = column::<ListArray>(batch, "resource_ids");
        let resources =
            lists.and_then(|lists| Some((lists, lists.values().as_any().downcast_ref()?)));
        let (raw, core) = (texts("raw"), shared_fields::NAMES.map(texts));
        Self { table, batch, raw, core, cells: cells.collect(), resources }
    }

    /// One of them.
    pub fn row(&self, place: usize) -> Row<'a> {
        let text = |texts: Option<&'a StringArray>| {
            texts.filter(|texts| !texts.is_null(place)).map(|texts| texts.value(place))
        };
        let mut row = Row::new(self.table, text(self.raw).unwrap_or_default());
        row.time = Some(event_time(self.batch, place));
        let core = self.core.map(|texts| text(texts).map(Cow::Borrowed));
        let outcome;
        [
            row.account,
            row.region,
            row.actor,
            row.actor_type,
            row.access_key,
            row.session_issuer,
            row.source_ip,
            row.user_agent,
            row.action,
            outcome,
        ] = core;
        row.outcome = outcome.as_deref().and_then(Outcome::parse);
        for (column, cells) in &self.cells {
            row.cells[*column] = cells.cell(place);
        }
        row.resources = self.resources(place).unwrap_or_default();
        row
    }

    fn resources(&self, place: usize) -> Option<Vec<Cow<'a, str>>> {
        let (lists, texts) = self.resources.filter(|(lists, _)| !lists.is_null(place))?;
        let offsets = lists.value_offsets();
        let (from, to) = (offsets.get(place)?, offsets.get(place + 1)?);
        let places = usize::try_from(*from).ok()?..usize::try_from(*to).ok()?;
        let there = places.filter(|n| !texts.is_null(*n));
        Some(there.map(|n| Cow::Borrowed(texts.value(n))).collect())
    }
}

impl<'a> Cells<'a> {
    fn of(batch: &'a RecordBatch, name: &str) -> Option<Self> {
        let any = batch.column_by_name(name)?.as_any();
        if let Some(texts) = any.downcast_ref() {
            Some(Self::Texts(texts))
        } else if let Some(ints) = any.downcast_ref() {
            Some(Self::Ints(ints))
        } else if let Some(floats) = any.downcast_ref() {
            Some(Self::Floats(floats))
        } else if let Some(bools) = any.downcast_ref() {
            Some(Self::Bools(bools))
        } else {
            any.downcast_ref().map(Self::Times)
        }
    }

    fn cell(&self, place: usize) -> Cell<'a> {
        match self {
            Self::Texts(all) if !all.is_null(place) => Cell::Text(Cow::Borrowed(all.value(place))),
            Self::Ints(all) if !all.is_null(place) => Cell::Int(all.value(place)),
            Self::Floats(all) if !all.is_null(place) => Cell::Float(all.value(place)),
            Self::Bools(all) if !all.is_null(place) => Cell::Bool(all.value(place)),
            Self::Times(all) if !all.is_null(place) => {
                Cell::Time(Timestamp::from_micros(all.value(place)))
            }
            _ => Cell::Null,
        }
    }
}

fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a A> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}

/// Whether a column of a row of a finished batch holds something.
pub fn is_there(batch: &RecordBatch, column: &str, place: usize) -> bool {
    batch.column_by_name(column).is_some_and(|array| !array.is_null(place))
}

/// A time of a finished batch; `None` where it is null or there is no such column of times.
pub fn time(batch: &RecordBatch, column: &str, row: usize) -> Option<Timestamp> {
    let times = batch.column_by_name(column)?.as_any().downcast_ref::<TimestampMicrosecondArray>();
    times.filter(|times| !times.is_null(row)).map(|t| Timestamp::from_micros(t.value(row)))
}

/// The event time of a row of a finished batch.
pub fn event_time(batch: &RecordBatch, row: usize) -> Timestamp {
    let times = batch.column(0).as_any().downcast_ref::<TimestampMicrosecondArray>();
    Timestamp::from_micros(times.map_or(0, |t| t.value(row)))
}

/// When the last row of a finished batch was received.
pub fn last_received(batch: &RecordBatch) -> Option<Timestamp> {
    let times = batch.column_by_name("received_time")?;
    let times = times.as_any().downcast_ref::<TimestampMicrosecondArray>()?;
    times.values().iter().max().map(|micros| Timestamp::from_micros(*micros))
}

/// The columns of a finished batch that findings tell of, looked up once.
pub(crate) struct Samples<'a> {
    table: &'a str,
    times: Option<&'a TimestampMicrosecondArray>,
    id: Option<&'a StringArray>,
    region: Option<&'a StringArray>,
    actor: Option<&'a StringArray>,
    source_ip: Option<&'a StringArray>,
    resources: Option<&'a ListArray>,
}

impl<'a> Samples<'a> {
    pub(crate) fn new(batch: &'a RecordBatch, table: &'a str) -> Self {
        let texts = |name| batch.column_by_name(name)?.as_any().downcast_ref::<StringArray>();
        let resources = batch.column_by_name("resource_ids");
        Self {
            table,
            times: batch.column(0).as_any().downcast_ref(),
            id: texts("event_id"),
            region: texts("region"),
            actor: texts("actor"),
            source_ip: texts("source_ip"),
            resources: resources.and_then(|list| list.as_any().downcast_ref()),
        }
    }

    /// When the event of a row happened, and its id.
    pub(crate) fn key(&self, row: usize) -> (Timestamp, &'a str) {
        let time = Timestamp::from_micros(self.times.map_or(0, |times| times.value(row)));
        (time, self.id.map_or("", |id| id.value(row)))
    }

    /// What findings tell of the event of a row.
    pub(crate) fn event(&self, row: usize) -> Event<'a> {
        let text = |column: Option<&'a StringArray>| {
            column.filter(|column| !column.is_null(row)).map(|column| column.value(row))
        };
        let (time, id) = self.key(row);
        let source_ip = text(self.source_ip);
        let actor = text(self.actor).or(source_ip);
        Event { time, table: self.table, id, region: text(self.region), actor, source_ip }
    }

    /// What it was done to.
    pub(crate) fn resources(&self, row: usize, look: impl FnOnce(&[&str])) {
        let list = self.resources.filter(|list| !list.is_null(row)).map(|list| list.value(row));
        let items = list.as_ref().and_then(|items| items.as_any().downcast_ref::<StringArray>());
        let items = items.into_iter().flatten().flatten().take(Sample::RESOURCES_MAX);
        look(&items.collect::<Vec<_>>());
    }
}

struct Core {
    times: [TimestampMicrosecondBuilder; 3], // event, delivered, received
    event_id: StringBuilder,
    account: StringBuilder,
    region: StringBuilder,
    actor: StringBuilder,
    actor_type: StringBuilder,
    access_key: StringBuilder,
    session_issuer: StringBuilder,
    source_ip: StringBuilder,
    user_agent: StringBuilder,
    action: StringBuilder,
    outcome: StringBuilder,
    resource_ids: ListBuilder<StringBuilder>,
    flags: ListBuilder<StringBuilder>,
    object: StringBuilder,
    ordinal: Int64Builder,
    raw: StringBuilder,
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    List(ListBuilder<StringBuilder>),
}

impl Place<'_> {
    /// The text of the `event_id` column: the source's own id, else object and ordinal.
    pub fn event_id<'a>(&self, id: &'a EventId<'_>) -> Cow<'a, str> {
        match id {
            EventId::Own(id) | EventId::Versioned(id, _) => Cow::Borrowed(id),
            EventId::Ordinal => Cow::Owned(format!("{}:{}", self.object, self.ordinal)),
        }
    }
}

impl TableBuilder {
    /// An empty builder.
    pub fn new(table: &'static Table) -> Self {
        let own = table.columns.iter().map(|c| Builder::new(c.kind)).collect();
        let (first, last) = (Timestamp::from_micros(i64::MAX), Timestamp::from_micros(i64::MIN));
        Self { table, core: Core::new(), own, first, last, rows: 0, bytes: 0 }
    }
    /// The table.
    pub fn table(&self) -> &'static Table {
        self.table
    }
    /// Number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Roughly how many bytes the rows hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    /// Earliest and latest event time so far.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        (self.first, self.last)
    }

    /// Adds a row at this event time.
    pub fn append(&mut self, row: &Row<'_>, time: Timestamp, place: &Place<'_>) {
        let core = &mut self.core;
        for (builder, at) in core.times.iter_mut().zip([time, place.delivered, place.received]) {
            builder.append_value(at.micros());
        }
        core.event_id.append_value(place.event_id(&row.id));
        core.account.append_option(row.account.as_deref());
        core.region.append_option(row.region.as_deref());
        core.actor.append_option(row.actor.as_deref());
        core.actor_type.append_option(row.actor_type.as_deref());
        core.access_key.append_option(row.access_key.as_deref());
        core.session_issuer.append_option(row.session_issuer.as_deref());
        core.source_ip.append_option(row.source_ip.as_deref());
        core.user_agent.append_option(row.user_agent.as_deref());
        core.action.append_option(row.action.as_deref());
        core.outcome.append_option(row.outcome.map(Outcome::as_str));
        append_list(&mut core.resource_ids, row.resources.iter().map(AsRef::as_ref));
        append_list(&mut core.flags, row.flags.iter().map(String::as_str));
        core.object.append_value(place.object);
        core.ordinal.append_value(i64::try_from(place.ordinal).unwrap_or(i64::MAX));
        core.raw.append_value(&row.raw);
        for (builder, cell) in self.own.iter_mut().zip(&row.cells) {
            self.bytes += builder.append(cell);
        }
        self.bytes += row.raw.len() + 300;
        self.rows += 1;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }

    /// The rows as one batch, stamped with the time of recording.
    ///
    /// # Errors
    /// Only if the columns disagree with the schema, which is our own mistake.
    pub fn finish(mut self, recorded: Timestamp) -> Result<RecordBatch, ArrowError> {
        let core = &mut self.core;
        let recorded = TimestampMicrosecondArray::from_value(recorded.micros(), self.rows);
        let mut columns: Vec<ArrayRef> =
            core.times.iter_mut().map(|t| Arc::new(t.finish().with_timezone(UTC)) as _).collect();
        columns.push(Arc::new(recorded.with_timezone(UTC)));
        for text in [
            &mut core.event_id,
            &mut core.account,
            &mut core.region,
            &mut core.actor,
            &mut core.actor_type,
            &mut core.access_key,
            &mut core.session_issuer,
            &mut core.source_ip,
            &mut core.user_agent,
            &mut core.action,
            &mut core.outcome,
        ] {
            columns.push(Arc::new(text.finish()));
        }
        columns.push(Arc::new(core.resource_ids.finish()));
        columns.push(Arc::new(core.flags.finish()));
        columns.push(Arc::new(core.object.finish()));
        columns.push(Arc::new(core.ordinal.finish()));
        columns.push(Arc::new(core.raw.finish()));
        columns.extend(self.own.iter_mut().map(Builder::finish));
        RecordBatch::try_new(schema::of(self.table), columns)
    }
}

impl Core {
    fn new() -> Self {
        let text = StringBuilder::new;
        Self {
            times: std::array::from_fn(|_| TimestampMicrosecondBuilder::new()),
            event_id: text(),
            account: text(),
            region: text(),
            actor: text(),
            actor_type: text(),
            access_key: text(),
            session_issuer: text(),
            source_ip: text(),
            user_agent: text(),
            action: text(),
            outcome: text(),
            resource_ids: ListBuilder::new(text()),
            flags: ListBuilder::new(text()),
            object: text(),
            ordinal: Int64Builder::new(),
            raw: text(),
        }
    }
}

impl Builder {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text | ColumnType::Json => Self::Text(StringBuilder::new()),
            ColumnType::Int => Self::Int(Int64Builder::new()),
            ColumnType::Float => Self::Float(Float64Builder::new()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Time => Self::Time(TimestampMicrosecondBuilder::new()),
            ColumnType::TextList => Self::List(ListBuilder::new(StringBuilder::new())),
        }
    }

    /// Appends a cell; one that does not fit the column is a mistake of a source and becomes null
    /// (each source's tests check its columns). Answers its size in bytes.
    fn append(&mut self, cell: &Cell<'_>) -> usize {
        match (self, cell) {
            (Self::Text(b), Cell::Text(text)) => {
                b.append_value(text);
                return text.len() + 4;
            }
            (Self::Int(b), Cell::Int(n)) => b.append_value(*n),
            (Self::Float(b), Cell::Float(n)) => b.append_value(*n),
            (Self::Bool(b), Cell::Bool(truth)) => b.append_value(*truth),
            (Self::Time(b), Cell::Time(time)) => b.append_value(time.micros()),
            (Self::List(b), Cell::List(items)) => {
                append_list(b, items.iter().map(AsRef::as_ref));
                return items.iter().map(|i| i.len() + 4).sum();
            }
            (Self::Text(b), _) => b.append_null(),
            (Self::Int(b), _) => b.append_null(),
            (Self::Float(b), _) => b.append_null(),
            (Self::Bool(b), _) => b.append_null(),
            (Self::Time(b), _) => b.append_null(),
            (Self::List(b), _) => b.append_null(),
        }
        8
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish().with_timezone(UTC)),
            Self::List(b) => Arc::new(b.finish()),
        }
    }
}

fn append_list<'a>(builder: &mut ListBuilder<StringBuilder>, items: impl Iterator<Item = &'a str>) {
    let mut any = false;
    for item in items {
        builder.values().append_value(item);
        any = true;
    }
    builder.append(any);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;
    use wk_model::table::CORE;

    #[test]
    fn a_row_fills_every_column_of_every_table() {
        for source in sources::ALL {
            let mut builder = TableBuilder::new(source.table);
            let place = Place {
                delivered: Timestamp::default(),
                received: Timestamp::default(),
                object: "0123456789abcdef",
                ordinal: 7,
            };
            builder.append(&Row::new(source.table, "{}"), Timestamp::from_seconds(5), &place);
            let batch = builder.finish(Timestamp::default()).unwrap();
            assert_eq!(
                (batch.num_rows(), batch.num_columns()),
                (1, CORE.len() + source.table.columns.len())
            );
        }
    }

    #[test]
    fn no_column_has_two_names_or_two_columns_one_name() {
        for source in sources::ALL {
            let mut names: Vec<&str> =
                CORE.iter().chain(source.table.columns).map(|c| c.name).collect();
            for (alias, column) in source.table.aliases {
                assert!(names.contains(column), "{alias} of {}", source.id);
                names.push(alias);
            }
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{}", source.id);
        }
    }
}
