"""The one error tree. A message says what is wrong, with which value, and what to do instead."""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error that a person should read as one sentence, never as a traceback."""


class SettingsError(EngineError):
    """Raised when a deployment setting is missing, unknown or has a value of the wrong form."""


class TunableError(EngineError):
    """Raised when a tunable does not exist or a new value lies outside its range."""


class UnknownName(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when a table (policies, agents, forecasters ...) has no row of that name."""


class StoreError(EngineError):
    """Raised when the database cannot be reached, is too new, or refuses what was asked."""


class SourceError(EngineError):
    """Raised when a source of request rows cannot be read or its mapping does not fit."""


class SourceAway(SourceError):  # noqa: N818 - reads as the sentence it reports
    """Raised when a user's database does not answer; it is asked again."""


class BrokerError(EngineError):
    """Raised when the prediction queue cannot be reached, or a call did not end in time."""


class MessageRejected(BrokerError):  # noqa: N818 - reads as the sentence it reports
    """Raised when a message is malformed or too large; nothing of its batch was accepted."""


class ControlError(EngineError):
    """Raised when no engine answers, or the engine refuses what it was asked to do."""


class EngineRuns(ControlError):  # noqa: N818 - reads as the sentence it reports
    """Raised when another engine holds the data folder."""


class JobError(EngineError):
    """Raised when a job does not exist, cannot start, or was asked something it cannot do."""


class BodyError(EngineError):
    """Raised when the body of a request cannot be read as what its endpoint takes."""


class QueryError(EngineError):
    """Raised when a request has a query parameter that its endpoint does not take."""


class NotAllowed(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when somebody asks for what their role does not permit."""


class TooMuch(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when one call brings more than one call may bring."""


class ModelNotFitted(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when a forecast is asked of a model that has not been fitted or restored."""


class CheckpointError(EngineError):
    """Raised when a checkpoint is damaged or was written by an incompatible configuration."""


class TraceError(EngineError):
    """Raised when a trace, or a file to import as one, cannot be read, kept or found."""


class NoSuchTrace(TraceError):  # noqa: N818 - reads as the sentence it reports
    """Raised when no stored trace has the name that was asked for."""


class PolicyError(EngineError):
    """Raised when a cache policy cannot run as asked: its capacity, its parameters, its trace."""


class TrainingError(EngineError):
    """Raised when a training or an evaluation cannot be done as asked."""


class EvaluationCancelled(TrainingError):  # noqa: N818 - reads as the sentence it reports
    """Raised when somebody ended an evaluation before it could tell anything."""


class ModelError(EngineError):
    """Raised when a trained model is missing, damaged, foreign, protected or does not fit."""


class NoSuchModel(ModelError):  # noqa: N818 - reads as the sentence it reports
    """Raised when no model has the number or alias that was asked for."""


class ExportError(EngineError):
    """Raised when a model cannot be exported, or an export does not verify."""


class StudyError(EngineError):
    """Raised when a study does not exist, cannot be made as asked, or a run of it fails."""


class NoSuchStudy(StudyError):  # noqa: N818 - reads as the sentence it reports
    """Raised when no study has the name that was asked for."""


class ResilienceError(EngineError):
    """Raised when a scenario does not exist, cannot be run as asked, or its results are gone."""
