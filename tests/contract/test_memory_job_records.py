"""The rows in memory, which stand in for the database's in tests of jobs, keep the contract."""

from __future__ import annotations

import pytest

from tests.contract.job_records_suite import Age, JobRecordsContract, ScheduleRecordsContract
from tests.fakes.job_records import MemoryJobRecords, MemoryScheduleRecords


class TestMemoryJobs(JobRecordsContract):
    @pytest.fixture
    def records(self) -> MemoryJobRecords:
        return MemoryJobRecords()

    @pytest.fixture
    def age(self, records: MemoryJobRecords) -> Age:
        return records.age


class TestMemorySchedules(ScheduleRecordsContract):
    @pytest.fixture
    def schedules(self) -> MemoryScheduleRecords:
        return MemoryScheduleRecords()
