global using Broker.Protocol;
