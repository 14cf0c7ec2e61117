using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>How a request changes the overrides of a resource: gives the new ones, or says why not.</summary>
internal delegate ConfigProblem? ConfigEdit(IReadOnlyDictionary<string, string> present, out IReadOnlyDictionary<string, string> result);

/// <summary>Changes of topic and broker configs, shared by the two alter APIs: validated, stored in the tree, in force when the answer leaves.</summary>
internal sealed class ConfigChanger(BrokerServices services)
{
    public async ValueTask<(ErrorCode Error, string? Message)> ChangeAsync(sbyte type, string name, ConfigEdit edit, bool validateOnly)
    {
        switch (type)
        {
            case ConfigResources.Topic when TopicNames.Validate(name) is { } badName:
                return (ErrorCode.InvalidTopicException, badName);
            case ConfigResources.Topic:
                return await ChangeTopicAsync(name, edit, validateOnly).ConfigureAwait(false);
            case ConfigResources.Broker when ConfigResources.CheckBroker(name, services.Config.Entity) is { } problem:
                return (ErrorCode.InvalidRequest, problem);
            case ConfigResources.Broker:
                return await ChangeBrokerAsync(name, edit, validateOnly).ConfigureAwait(false);
            default:
                return (ErrorCode.InvalidRequest, ConfigResources.Unsupported(type));
        }
    }

    private async ValueTask<(ErrorCode Error, string? Message)> ChangeTopicAsync(string topic, ConfigEdit edit, bool validateOnly)
    {
        ConfigProblem? problem = null;
        ErrorCode error = await services.Controller.AlterTopicConfigAsync(topic, present =>
        {
            problem = edit(present, out IReadOnlyDictionary<string, string> result) ?? TopicConfig.Validate(services.Config.Current, result);
            return problem is null && !validateOnly ? result : null;
        }).ConfigureAwait(false);
        return error != ErrorCode.None ? (error, $"The topic '{topic}' does not exist.")
            : problem is not null ? ConfigResources.Answer(problem, ConfigResources.Topic, topic)
            : (ErrorCode.None, null);
    }

    private async ValueTask<(ErrorCode Error, string? Message)> ChangeBrokerAsync(string name, ConfigEdit edit, bool validateOnly)
    {
        bool perBroker = name.Length > 0;
        ConfigProblem? problem = null;
        await services.Controller.AlterBrokerConfigAsync(perBroker ? name : MetadataImage.DefaultEntity, present =>
        {
            problem = edit(present, out IReadOnlyDictionary<string, string> result) ?? services.Config.Current.ValidateDynamic(result, perBroker);
            return problem is null && !validateOnly ? result : null;
        }).ConfigureAwait(false);
        return problem is null ? (ErrorCode.None, null) : ConfigResources.Answer(problem, ConfigResources.Broker, name);
    }
}
