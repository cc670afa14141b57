from typing import Any, Optional, Union

from .base_model import UNSET, UnsetType
from .cancel_export import CancelExport
from .create_export import CreateExport
from .delete_export import DeleteExport
from .description import Description
from .descriptions import Descriptions
from .enums import ExportStatus, OnConflict, OnInvalid
from .export import Export
from .exports import Exports
from .input_types import (
    CreateExportInput,
    DescriptionFilter,
    DescriptionInput,
    DescriptionOrder,
)
from .plan_export import PlanExport
from .record_descriptions import RecordDescriptions
from .record_rows import RecordRows
from .retry_export import RetryExport
from .statistics import Statistics
from .transport import Transport
from .viewer import Viewer


def gql(q: str) -> str:
    return q


class Operations(Transport):
    def create_export(
        self,
        input: CreateExportInput,
        idempotency_key: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> CreateExport:
        query = gql("""
            mutation CreateExport($input: CreateExportInput!, $idempotencyKey: String) {
              createExport(input: $input, idempotencyKey: $idempotencyKey) {
                ...ExportState
              }
            }

            fragment ExportState on Export {
              id
              status
              format
              compression
              dialect
              fields
              columns {
                name
                as
              }
              progress {
                rowsWritten
                rowsTotal
              }
              recordCount
              downloadUrl
              createdAt
              completedAt
              expiredAt
              estimatedCompletionTime
              errorMessage
              receipt {
                rows
                bytes
                sha256
                snapshotAt
                notes {
                  name
                  count
                }
              }
              ledger {
                rows
                downloadUrl
              }
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = self.execute(
            query=query, operation_name="CreateExport", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CreateExport.model_validate(data)

    def cancel_export(self, id: str, **kwargs: Any) -> CancelExport:
        query = gql("""
            mutation CancelExport($id: ID!) {
              cancelExport(id: $id) {
                ...ExportState
              }
            }

            fragment ExportState on Export {
              id
              status
              format
              compression
              dialect
              fields
              columns {
                name
                as
              }
              progress {
                rowsWritten
                rowsTotal
              }
              recordCount
              downloadUrl
              createdAt
              completedAt
              expiredAt
              estimatedCompletionTime
              errorMessage
              receipt {
                rows
                bytes
                sha256
                snapshotAt
                notes {
                  name
                  count
                }
              }
              ledger {
                rows
                downloadUrl
              }
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = self.execute(
            query=query, operation_name="CancelExport", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CancelExport.model_validate(data)

    def retry_export(self, id: str, **kwargs: Any) -> RetryExport:
        query = gql("""
            mutation RetryExport($id: ID!) {
              retryExport(id: $id) {
                ...ExportState
              }
            }

            fragment ExportState on Export {
              id
              status
              format
              compression
              dialect
              fields
              columns {
                name
                as
              }
              progress {
                rowsWritten
                rowsTotal
              }
              recordCount
              downloadUrl
              createdAt
              completedAt
              expiredAt
              estimatedCompletionTime
              errorMessage
              receipt {
                rows
                bytes
                sha256
                snapshotAt
                notes {
                  name
                  count
                }
              }
              ledger {
                rows
                downloadUrl
              }
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = self.execute(
            query=query, operation_name="RetryExport", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RetryExport.model_validate(data)

    def delete_export(self, id: str, **kwargs: Any) -> DeleteExport:
        query = gql("""
            mutation DeleteExport($id: ID!) {
              deleteExport(id: $id)
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = self.execute(
            query=query, operation_name="DeleteExport", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return DeleteExport.model_validate(data)

    def export(self, id: str, **kwargs: Any) -> Export:
        query = gql("""
            query Export($id: ID!) {
              export(id: $id) {
                ...ExportState
                events {
                  type
                  at
                  attempt
                  keyPrefix
                  message
                }
              }
            }

            fragment ExportState on Export {
              id
              status
              format
              compression
              dialect
              fields
              columns {
                name
                as
              }
              progress {
                rowsWritten
                rowsTotal
              }
              recordCount
              downloadUrl
              createdAt
              completedAt
              expiredAt
              estimatedCompletionTime
              errorMessage
              receipt {
                rows
                bytes
                sha256
                snapshotAt
                notes {
                  name
                  count
                }
              }
              ledger {
                rows
                downloadUrl
              }
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = self.execute(
            query=query, operation_name="Export", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Export.model_validate(data)

    def exports(
        self,
        status: Union[Optional[ExportStatus], UnsetType] = UNSET,
        first: Union[Optional[int], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> Exports:
        query = gql("""
            query Exports($status: ExportStatus, $first: Int, $after: String) {
              exports(status: $status, first: $first, after: $after) {
                nodes {
                  ...ExportState
                }
                pageInfo {
                  hasNextPage
                  endCursor
                }
              }
            }

            fragment ExportState on Export {
              id
              status
              format
              compression
              dialect
              fields
              columns {
                name
                as
              }
              progress {
                rowsWritten
                rowsTotal
              }
              recordCount
              downloadUrl
              createdAt
              completedAt
              expiredAt
              estimatedCompletionTime
              errorMessage
              receipt {
                rows
                bytes
                sha256
                snapshotAt
                notes {
                  name
                  count
                }
              }
              ledger {
                rows
                downloadUrl
              }
            }
            """)
        variables: dict[str, object] = {
            "status": status,
            "first": first,
            "after": after,
        }
        response = self.execute(
            query=query, operation_name="Exports", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Exports.model_validate(data)

    def plan_export(self, input: CreateExportInput, **kwargs: Any) -> PlanExport:
        query = gql("""
            query PlanExport($input: CreateExportInput!) {
              planExport(input: $input) {
                rows
                revision
                bytes {
                  value
                  basis
                  exports
                  rows
                }
                seconds {
                  value
                  basis
                  exports
                  rows
                }
                brokenLimit {
                  name
                  value
                  message
                  windows {
                    start
                    end
                    endDate
                    rows
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = self.execute(
            query=query, operation_name="PlanExport", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return PlanExport.model_validate(data)

    def record_descriptions(
        self,
        input: list[DescriptionInput],
        on_conflict: Union[Optional[OnConflict], UnsetType] = UNSET,
        on_invalid: Union[Optional[OnInvalid], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> RecordDescriptions:
        query = gql("""
            mutation RecordDescriptions($input: [DescriptionInput!]!, $onConflict: OnConflict, $onInvalid: OnInvalid) {
              recordDescriptions(
                input: $input
                onConflict: $onConflict
                onInvalid: $onInvalid
              ) {
                recorded
                alreadyKnown
                conflicting
                conflictingIds
                ids
              }
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "onConflict": on_conflict,
            "onInvalid": on_invalid,
        }
        response = self.execute(
            query=query,
            operation_name="RecordDescriptions",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return RecordDescriptions.model_validate(data)

    def record_rows(
        self,
        input: list[DescriptionInput],
        on_conflict: Union[Optional[OnConflict], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> RecordRows:
        query = gql("""
            mutation RecordRows($input: [DescriptionInput!]!, $onConflict: OnConflict) {
              recordDescriptions(input: $input, onConflict: $onConflict, onInvalid: SKIP) {
                recorded
                alreadyKnown
                conflicting
                refused
                rows {
                  index
                  id
                  outcome
                  error {
                    code
                    field
                    message
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {"input": input, "onConflict": on_conflict}
        response = self.execute(
            query=query, operation_name="RecordRows", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RecordRows.model_validate(data)

    def descriptions(
        self,
        filter_: Union[Optional[DescriptionFilter], UnsetType] = UNSET,
        order_by: Union[Optional[DescriptionOrder], UnsetType] = UNSET,
        first: Union[Optional[int], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> Descriptions:
        query = gql("""
            query Descriptions($filter: DescriptionFilter, $orderBy: DescriptionOrder, $first: Int, $after: String) {
              descriptions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
                nodes {
                  ...Result
                }
                pageInfo {
                  hasNextPage
                  endCursor
                }
              }
            }

            fragment Result on Description {
              id
              type
              status
              sourceType
              sourceId
              createdAt
              imageUrl
              imageId
              description
              confidenceScore
              verification
              metadata
              errorMessage
              reviewState
            }
            """)
        variables: dict[str, object] = {
            "filter": filter_,
            "orderBy": order_by,
            "first": first,
            "after": after,
        }
        response = self.execute(
            query=query, operation_name="Descriptions", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Descriptions.model_validate(data)

    def description(self, id: str, **kwargs: Any) -> Description:
        query = gql("""
            query Description($id: ID!) {
              description(id: $id) {
                ...Result
                reviews {
                  verdict
                  text
                  note
                  by
                  at
                }
              }
            }

            fragment Result on Description {
              id
              type
              status
              sourceType
              sourceId
              createdAt
              imageUrl
              imageId
              description
              confidenceScore
              verification
              metadata
              errorMessage
              reviewState
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = self.execute(
            query=query, operation_name="Description", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Description.model_validate(data)

    def statistics(
        self,
        filter_: Union[Optional[DescriptionFilter], UnsetType] = UNSET,
        time_zone: Union[Optional[str], UnsetType] = UNSET,
        fill_days: Union[Optional[bool], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> Statistics:
        query = gql("""
            query Statistics($filter: DescriptionFilter, $timeZone: String, $fillDays: Boolean) {
              statistics(filter: $filter, timeZone: $timeZone, fillDays: $fillDays) {
                totalCount
                scoredCount
                averageConfidence
                truncated
                revision
                timeZone
                reviewCounts {
                  state
                  count
                }
                confidenceDistribution {
                  range
                  count
                }
                dailyCounts {
                  date
                  count
                }
                sourceDistribution {
                  sourceType
                  count
                }
                typeDistribution {
                  type
                  count
                }
              }
            }
            """)
        variables: dict[str, object] = {
            "filter": filter_,
            "timeZone": time_zone,
            "fillDays": fill_days,
        }
        response = self.execute(
            query=query, operation_name="Statistics", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Statistics.model_validate(data)

    def viewer(self, **kwargs: Any) -> Viewer:
        query = gql("""
            query Viewer {
              viewer {
                accountName
                scope
                keyPrefix
                keyName
              }
            }
            """)
        variables: dict[str, object] = {}
        response = self.execute(
            query=query, operation_name="Viewer", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Viewer.model_validate(data)
